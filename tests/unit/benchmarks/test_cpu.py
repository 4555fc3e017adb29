from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks.cpu import between, cpu_seconds, role_of


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("postgres: angelx angelx [local] idle", "postgres"),
        ("/opt/pginstall18/bin/postgres -D /data", "postgres"),
        ("/opt/valkey-server unixsocket:/tmp/broker.sock", "valkey"),
        ("python -m celery -A tasks.app worker -Q orders.high -n orders@%h", "orders"),
        ("python -m angel_x.entrypoints.cli api", "api"),
        ("python -m celery --quiet -A beat_schedule.app beat", "beat"),
        ("python -m beat_schedule.flower", "flower"),
        ("python -I -S /x/guardian.py", "guardian"),
        ("python -m uvicorn benchmarks.naive.web:app --port 1", "api"),
        ("python -m celery -A benchmarks.naive.work worker -c 2", "worker"),
        ("sh", "other"),
    ],
)
def test_a_command_line_names_the_role(command: str, role: str) -> None:
    assert role_of(command) == role


def test_the_time_of_a_child_that_ended_counts() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    before = cpu_seconds([os.getpid()])

    subprocess.run([sys.executable, "-c", burn], check=True)

    assert sum(between(before, cpu_seconds([os.getpid()])).values()) >= 0.25


def test_the_time_of_a_child_that_runs_counts() -> None:
    burn = "import sys, time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\nsys.stdin.read()"
    command = [sys.executable, "-c", burn]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        used = cpu_seconds([child.pid])
        child.communicate()

    assert sum(used.values()) >= 0.25


def test_a_process_that_has_ended_counts_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()

    assert cpu_seconds([child.pid]) == {}


def test_the_largest_part_comes_first() -> None:
    assert between({"a": 1.0}, {"a": 1.5, "b": 2.0}) == {"b": 2.0, "a": 0.5}
    assert next(iter(between({"a": 1.0}, {"a": 1.5, "b": 2.0}))) == "b"
