from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from threading import Event

import pytest

from angel_x.rehearsal.process_tree import ProcessTree
from angel_x.rehearsal.waiting import holds_within

PATIENCE = 120.0
BUSY = "while True: pass"
LEADER = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", {BUSY!r}])
print("started", flush=True)
child.wait()
"""


@pytest.fixture
def tree() -> Iterator[ProcessTree]:
    """A leader that waits, with one child that uses the processor."""
    command = [sys.executable, "-I", "-S", "-c", LEADER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as leader:
        assert leader.stdout is not None
        assert leader.stdout.readline() == b"started\n"
        tree = ProcessTree(leader.pid)
        try:
            yield tree
        finally:
            tree.signal(signal.SIGKILL)


def test_the_child_that_works_is_found(tree: ProcessTree) -> None:
    busy = tree.busy_child(PATIENCE, Event())

    assert busy is not None
    assert [busy] == list(tree.children)


def test_a_stopped_tree_runs_again_when_it_is_told_to(tree: ProcessTree) -> None:
    tree.signal(signal.SIGSTOP)
    assert holds_within(PATIENCE, tree.are_stopped, Event())

    tree.signal(signal.SIGCONT)
    assert holds_within(PATIENCE, tree.are_running, Event())


def test_a_killed_tree_is_gone_as_a_whole(tree: ProcessTree) -> None:
    assert not tree.are_gone()

    tree.signal(signal.SIGKILL)

    assert holds_within(PATIENCE, tree.are_gone, Event())
    tree.signal(signal.SIGKILL)
