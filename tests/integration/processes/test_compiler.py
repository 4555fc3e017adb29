"""Which processes load a compiler: the parent of the workers that price, and no other."""

from __future__ import annotations

import os
import subprocess
import sys

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
#: Starts each worker in turn; those that may load no compiler come first.
STARTED = """
import sys
from celery import signals
from celery.apps.worker import Worker
from tasks.app import app
for queues in sys.argv[1:]:
    worker = Worker(app=app, hostname=f"{queues}@here", queues=queues, pool="solo", quiet=True)
    signals.celeryd_after_setup.send(sender=worker.hostname, instance=worker, conf=app.conf)
    print(queues, "numba" in sys.modules)
"""
SEEN = "\nprint('numba' in __import__('sys').modules)"


def run(program: str, *arguments: str) -> list[str]:
    """Run a program in a process of its own and return the lines that it printed."""
    environ = {
        "ANGEL_X_ENV": "testing",
        "ANGEL_X_BROKER_URL": "redis://127.0.0.1:1/0",
        "ANGEL_X_CACHE_URL": "redis://127.0.0.1:1/0",
        "ANGEL_X_DATABASE_URL": "postgresql://127.0.0.1:1/none",
        "ANGEL_X_METRICS_ENABLED": "false",
        "ANGEL_X_PRICING_BACKEND": "auto",
    }
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_importing_any_part_imports_no_compiler() -> None:
    assert run(EVERYTHING + SEEN)[-1] == "False"


def test_a_worker_loads_the_compiler_before_it_forks_when_it_serves_the_greeks() -> None:
    prices = {",".join(q): QueueName.GREEKS in q for q in WORKER_QUEUES.values()}
    in_turn = sorted(prices, key=lambda queues: prices[queues])
    assert set(prices.values()) == {False, True}

    lines = run(STARTED, *in_turn)

    assert [line for line in lines if line.partition(" ")[0] in prices] == [
        f"{queues} {prices[queues]}" for queues in in_turn
    ]
