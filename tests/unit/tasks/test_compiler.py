"""Which processes load a compiler: the parent of the workers that price, and no other."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from config.queues import WORKER_QUEUES, QueueName

#: What every room imports, the API and the command line among them.
EVERYTHING = """
import angel_x.pricing
import angel_x.entrypoints.api.server
import angel_x.entrypoints.cli.root
import angel_x.entrypoints.feed
import beat_schedule
import tasks.app
from tasks import greeks, monitor, orders, portfolio
"""
STARTED = """
import sys
from celery.apps.worker import Worker
from tasks.app import app
worker = Worker(app=app, hostname="numeric@here", queues=sys.argv[1], pool="solo", quiet=True)
from celery import signals
signals.celeryd_after_setup.send(sender=worker.hostname, instance=worker, conf=app.conf)
"""
SEEN = "\nprint('numba' in __import__('sys').modules)"


def seen_numba(program: str, *arguments: str) -> bool:
    """Run a program in a process of its own and say whether it has imported numba."""
    environ = {
        "ANGEL_X_ENV": "testing",
        "ANGEL_X_BROKER_URL": "redis://127.0.0.1:1/0",
        "ANGEL_X_CACHE_URL": "redis://127.0.0.1:1/0",
        "ANGEL_X_DATABASE_URL": "postgresql://127.0.0.1:1/none",
        "ANGEL_X_METRICS_ENABLED": "false",
        "ANGEL_X_PRICING_BACKEND": "auto",
    }
    done = subprocess.run(
        [sys.executable, "-c", program + SEEN, *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1] == "True"


def test_importing_any_part_imports_no_compiler() -> None:
    assert not seen_numba(EVERYTHING)


@pytest.mark.parametrize("worker", WORKER_QUEUES)
def test_a_worker_loads_the_compiler_before_it_forks_when_it_serves_the_greeks(worker: str) -> None:
    queues = WORKER_QUEUES[worker]

    assert seen_numba(STARTED, ",".join(queues)) is (QueueName.GREEKS in queues)
