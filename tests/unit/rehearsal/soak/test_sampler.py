"""Real processes, one of which leaks everything that is measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from threading import Event

import pytest

from angel_x.rehearsal.soak.record import Record
from angel_x.rehearsal.soak.sampler import sampled
from angel_x.rehearsal.soak.trend import BLOCKS
from angel_x.rehearsal.soak.usage import Measure, usages
from tests.e2e.processes import eventually

LEAKS = """
import os, socket, time
kept = []
print("started", flush=True)
while True:
    kept += [bytearray(200_000), os.open(os.devnull, os.O_RDONLY), *socket.socketpair()]
    time.sleep(0.02)
"""
WAITS = "import time; print('started', flush=True); time.sleep(3600)"
STARTS_ANOTHER = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", {WAITS!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(3600)
"""
PATIENCE = 300


def started(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-S", "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> None:
    """Kill a process with everything that it has started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.fixture
def programs() -> Iterator[Mapping[str, int]]:
    leaking, waiting = started(LEAKS), started(WAITS)
    try:
        for each in (leaking, waiting):
            assert each.stdout is not None
            assert each.stdout.readline()
        yield {"leaking": leaking.pid, "waiting": waiting.pid, "gone": 2**22 + 1}
    finally:
        for each in (leaking, waiting):
            end(each)


def test_a_process_that_leaks_is_found_and_one_that_waits_is_not(
    programs: Mapping[str, int],
) -> None:
    record, asked = Record(), list[int]()

    def leaders() -> Mapping[str, int]:
        asked.append(len(asked))
        return programs

    with sampled(record, leaders, 0.02):
        eventually(lambda: len(asked) > 2 * BLOCKS, "enough samples are taken", PATIENCE)

    trends = list(record.trends(0))
    assert {each.program for each in trends} == {"leaking", "waiting"}
    assert {(t.program, t.measure) for t in trends if t.is_leak} == {
        ("leaking", measure) for measure in Measure
    }


def test_the_samples_end_with_the_block() -> None:
    asked = Event()

    def leaders() -> Mapping[str, int]:
        asked.set()
        return {}

    with sampled(Record(), leaders, 0.01):
        assert asked.wait(PATIENCE)

    assert "samples" not in {thread.name for thread in threading.enumerate()}


def test_a_sample_that_fails_ends_the_soak() -> None:
    asked = Event()

    def leaders() -> Mapping[str, int]:
        asked.set()
        raise RuntimeError("no list of processes")

    with pytest.raises(RuntimeError, match="no list"), sampled(Record(), leaders, 0.01):
        assert asked.wait(PATIENCE)


def test_a_child_counts_for_its_program_unless_it_leads_one_itself() -> None:
    parent = started(STARTS_ANOTHER)
    try:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        whole = usages({"parent": parent.pid})["parent"]
        apart = usages({"parent": parent.pid, "child": child})

        assert set(apart) == {"parent", "child"}
        assert all(each.memory > 0 and each.descriptors > 0 for each in apart.values())
        assert apart["parent"].descriptors < whole.descriptors
        assert whole.descriptors == sum(each.descriptors for each in apart.values())
    finally:
        end(parent)
