from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from angel_x.entrypoints.supervisor.reaper import Reaper
from tests.integration.supervisor.programs import DEADLINE, group_of, is_running, until

ROOT = Path(__file__).parents[3]
#: Supervises a program that obeys and one that does not, tells their ids, and waits.
PARENT = """
import asyncio, pathlib
from tests.integration.supervisor.programs import DEAF, obedient, program, supervisor

async def run():
    home = pathlib.Path({home!r})
    stage = [obedient("mild", home / "notes"), program("deaf", DEAF)]
    async with supervisor(stage, logs=home) as supervised:
        await supervised.start()
        print(*supervised.pids().values(), flush=True)
        await asyncio.Event().wait()

asyncio.run(run())
"""


def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(home=str(tmp_path))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    with parent.stdout:
        mild, deaf = map(int, parent.stdout.readline().split())
    assert len(group_of(deaf)) == 2

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    until(lambda: not is_running(mild), "the obedient program ends")
    until(lambda: group_of(deaf) == [], "the deaf program and its child are killed", seconds=40)
    assert (tmp_path / "notes").read_text() == "mild\n"


def test_a_sweeper_that_is_killed_is_replaced_and_knows_the_groups(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "input()"],
        stdin=subprocess.PIPE,
        start_new_session=True,
    ) as child:
        reaper = Reaper(patience=60)
        reaper.add(child.pid)
        first = reaper._keeper.process
        first.kill()
        first.wait()

        reaper.poll()
        second = reaper._keeper.process
        assert second.pid != first.pid
        reaper._keeper._stdin.close()

        assert child.wait(DEADLINE) == -signal.SIGTERM
        reaper.close()
