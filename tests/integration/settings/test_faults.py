"""Where and how a test makes a process end."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from angel_x.adapters.fault_points import fault_mark, passing
from angel_x.domain.orders.step import Step, unhindered
from angel_x.errors import InvalidInput
from config.loading import load
from config.settings import SettingsError
from tests.integration.api.running import wait_until
from tests.plugins.runs import marked

#: Passes the same step three times, and says so.
PROGRAM = """
import os, sys
from angel_x.adapters.fault_points import passing
from angel_x.domain.orders.step import Step
from config.loading import load
settings = load(os.environ)
at = passing(settings.home_path, settings.fault_at, settings.fault_action)
for number in (1, 2, 3):
    at(Step.BATCH_CLAIMED)
    at(Step.BATCH_TOLD)
    print(number, flush=True)
"""


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def start(
    processes: list[subprocess.Popen[str]], home: Path, **settings: str
) -> subprocess.Popen[str]:
    given = {f"ANGEL_X_{name}": value for name, value in settings.items()}
    environment = {"PYTHONPATH": ":".join(sys.path), "ANGEL_X_HOME": str(home), **given}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=marked({"ANGEL_X_ENV": "testing", **environment}),
        stdout=subprocess.PIPE,
        text=True,
    )
    processes.append(process)
    return process


def test_a_process_dies_at_fault_at_once_in_a_home(
    processes: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    victim = start(processes, tmp_path, FAULT_AT="batch.told:2")
    passed, _ = victim.communicate(timeout=120)
    assert victim.returncode == -signal.SIGKILL
    assert passed.split() == ["1"]
    assert fault_mark(tmp_path, Step.BATCH_TOLD).read_text() == str(victim.pid)

    successor = start(processes, tmp_path, FAULT_AT="batch.told:2")
    passed, _ = successor.communicate(timeout=120)
    assert successor.returncode == 0
    assert passed.split() == ["1", "2", "3"]


def test_fault_action_may_stop_it_instead(
    processes: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    victim = start(processes, tmp_path, FAULT_AT="batch.claimed", FAULT_ACTION="stop")
    wait_until(lambda: psutil.Process(victim.pid).status() == psutil.STATUS_STOPPED)

    victim.send_signal(signal.SIGCONT)

    passed, _ = victim.communicate(timeout=120)
    assert victim.returncode == 0
    assert passed.split() == ["1", "2", "3"]


def test_nothing_happens_where_no_fault_is_set(tmp_path: Path) -> None:
    assert passing(tmp_path, None, "kill") is unhindered


def test_a_fault_at_no_step_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no step has this name"):
        passing(tmp_path, "batch.lost:1", "kill")


@pytest.mark.parametrize("env", ["development", "production"])
def test_a_fault_is_refused_outside_tests(env: str) -> None:
    with pytest.raises(SettingsError, match=f"FAULT_AT: only for tests, was set in {env}"):
        load({"ANGEL_X_ENV": env, "ANGEL_X_FAULT_AT": "batch.told"})


@pytest.mark.parametrize("at", ["told", "batch.told:0", "batch.told:x", "Batch.told"])
def test_a_fault_that_is_no_step_and_number_is_refused(at: str) -> None:
    with pytest.raises(SettingsError, match="ANGEL_X_FAULT_AT"):
        load({"ANGEL_X_ENV": "testing", "ANGEL_X_FAULT_AT": at})
