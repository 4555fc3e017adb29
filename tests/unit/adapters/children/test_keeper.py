from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from angel_x.adapters.children import sweeper
from angel_x.adapters.children.keeper import Keeper

PATIENCE = 120.0


def test_a_keeper_ends_the_groups_that_it_was_told_once_its_pipe_is_closed() -> None:
    command = [sys.executable, "-I", "-S", "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as child:
        keeper = Keeper(sweeper.__name__, "60")
        keeper.tell(f"+{child.pid}")
        assert keeper.is_alive

        # It ends when its child is gone, which takes a parent that reaps it.
        keeper.process.stdin.close()  # type: ignore[union-attr]  # a pipe was asked for

        assert child.wait(PATIENCE) == -signal.SIGTERM
        keeper.close(PATIENCE)
        keeper.close(PATIENCE)
        assert not keeper.is_alive


def test_a_keeper_that_has_ended_is_a_broken_pipe() -> None:
    keeper = Keeper(sweeper.__name__, "0")
    keeper.process.kill()
    keeper.process.wait(PATIENCE)

    with pytest.raises(BrokenPipeError):
        keeper.tell("+1")
    keeper.close()
