from __future__ import annotations

import asyncio
import errno
import gc
import io
import os
import signal
from pathlib import Path

import pytest
from rich.console import Console

from angel_x.entrypoints.supervisor import ProgramFailed, Supervisor
from angel_x.entrypoints.supervisor.output import Terminal
from tests.integration.supervisor.programs import (
    DEADLINE,
    DEAF,
    LEAVER,
    group_of,
    is_running,
    obedient,
    program,
    supervisor,
)


async def reach(supervised: Supervisor, name: str, starts: int) -> None:
    async with asyncio.timeout(DEADLINE):
        while supervised.starts()[name] < starts or name not in supervised.pids():
            await asyncio.sleep(0.02)


def test_programs_stop_in_the_reverse_order_of_their_stages(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    stages = [[obedient("first", notes)], [obedient("second", notes)], [obedient("third", notes)]]

    async def run() -> dict[str, int]:
        async with supervisor(*stages, logs=tmp_path / "logs") as supervised:
            await supervised.start()
            return supervised.pids()

    pids = asyncio.run(run())

    assert notes.read_text().split() == ["third", "second", "first"]
    assert not any(map(is_running, pids.values()))


def test_a_stage_starts_when_the_one_before_is_ready(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    slow = f"import time; time.sleep(0.3); open({str(flag)!r}, 'w'); print('ready', flush=True); time.sleep(60)"
    quick = f"import os, time; print('ready' if os.path.exists({str(flag)!r}) else 'early', flush=True); time.sleep(60)"

    async def run() -> None:
        stages = ([program("slow", slow)], [program("quick", quick)])
        async with supervisor(*stages, logs=tmp_path / "logs") as supervised:
            await supervised.start()

    asyncio.run(run())

    assert (tmp_path / "logs" / "quick.log").read_text() == "ready\n"


def test_a_killed_program_is_started_again(tmp_path: Path) -> None:
    screen = io.StringIO()

    async def run() -> tuple[int, int]:
        stage = [obedient("busy", tmp_path / "notes")]
        async with supervisor(stage, logs=tmp_path / "logs", screen=screen) as supervised:
            await supervised.start()
            before = supervised.pids()["busy"]
            os.kill(before, signal.SIGKILL)
            await reach(supervised, "busy", starts=2)
            return before, supervised.pids()["busy"]

    before, after = asyncio.run(run())

    assert before != after
    assert "ended with -9, starts again" in screen.getvalue()


def test_what_a_killed_program_leaves_behind_is_killed_too(tmp_path: Path) -> None:
    async def run() -> tuple[int, list[int]]:
        async with supervisor(
            [program("deaf", DEAF, stop_seconds=0.1)], logs=tmp_path
        ) as supervised:
            await supervised.start()
            leader = supervised.pids()["deaf"]
            assert len(group_of(leader)) == 2
            os.kill(leader, signal.SIGKILL)
            await reach(supervised, "deaf", starts=2)
            return leader, group_of(leader)

    leader, left = asyncio.run(run())

    assert left == []
    assert not is_running(leader)


def test_a_program_that_does_not_stop_is_killed_with_its_children(tmp_path: Path) -> None:
    screen = io.StringIO()

    async def run() -> int:
        deaf = program("deaf", DEAF, stop_seconds=0.2)
        async with supervisor([deaf], logs=tmp_path, screen=screen) as supervised:
            await supervised.start()
            return supervised.pids()["deaf"]

    leader = asyncio.run(run())

    assert group_of(leader) == []
    assert "did not stop in 0.2 s" in screen.getvalue()


def test_a_program_that_keeps_ending_is_started_ever_more_slowly(tmp_path: Path) -> None:
    screen = io.StringIO()

    async def run() -> None:
        brief = program("brief", "print('ready', flush=True)")
        async with supervisor([brief], logs=tmp_path, screen=screen) as supervised:
            await supervised.start()
            await reach(supervised, "brief", starts=3)

    asyncio.run(run())

    shown = screen.getvalue()
    assert shown.index("again in 0.5 s") < shown.index("again in 1 s")


def test_a_program_that_ends_before_it_is_ready_fails_the_start_with_its_last_words(
    tmp_path: Path,
) -> None:
    notes = tmp_path / "notes"
    broken = program("broken", "import sys; print('no database'); sys.exit(3)")

    async def run() -> None:
        stages = ([obedient("fine", notes)], [broken], [obedient("never", notes)])
        async with supervisor(*stages, logs=tmp_path / "logs") as supervised:
            await supervised.start()

    with pytest.raises(
        ProgramFailed, match=r"(?s)broken did not start, it ended with 3.*no database"
    ):
        asyncio.run(run())
    # What ran was stopped, and what had not started never did.
    assert notes.read_text().split() == ["fine"]


def test_a_program_that_does_not_exist_fails_the_start(tmp_path: Path) -> None:
    ghost = program("ghost", "")
    nowhere = type(ghost)(name="ghost", argv=(str(tmp_path / "nowhere"),))

    async def run() -> None:
        async with supervisor([nowhere], logs=tmp_path / "logs") as supervised:
            await supervised.start()

    with pytest.raises(ProgramFailed, match="ghost"):
        asyncio.run(run())


def test_warnings_reach_the_terminal_and_everything_reaches_the_log(tmp_path: Path) -> None:
    screen = io.StringIO()
    code = (
        "print('2026 [info     ] quiet.done'); print('2026 [warning  ] loud.done');"
        "print('ready', flush=True); import time; time.sleep(60)"
    )

    async def run() -> None:
        async with supervisor(
            [program("talker", code)], logs=tmp_path, screen=screen
        ) as supervised:
            await supervised.start()

    asyncio.run(run())

    assert (tmp_path / "talker.log").read_text().splitlines() == [
        "2026 [info     ] quiet.done",
        "2026 [warning  ] loud.done",
        "ready",
    ]
    assert "loud.done" in screen.getvalue()
    assert "quiet.done" not in screen.getvalue()


def test_a_second_kill_ends_everything_at_once(tmp_path: Path) -> None:
    async def run() -> int:
        deaf = program("deaf", DEAF, stop_seconds=60)
        async with supervisor([deaf], logs=tmp_path) as supervised:
            await supervised.start()
            asyncio.get_running_loop().call_later(0.2, supervised.kill)
            return supervised.pids()["deaf"]

    leader = asyncio.run(asyncio.wait_for(run(), DEADLINE))

    assert group_of(leader) == []


def test_a_stop_does_not_wait_for_a_stranger_who_keeps_the_output_of_a_program(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with supervisor([program("leaver", LEAVER)], logs=tmp_path) as supervised:
            await supervised.start()

    asyncio.run(asyncio.wait_for(run(), DEADLINE))

    stranger = int((tmp_path / "leaver.log").read_text().split()[0])
    assert is_running(stranger)
    os.kill(stranger, signal.SIGKILL)
    # Pipe and log would complain about it if they had been left open.
    gc.collect()


def test_the_last_words_of_a_program_are_in_its_log(tmp_path: Path) -> None:
    long = 200_000
    code = (
        "import signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: sys.exit('x' * {long}))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )

    async def run() -> None:
        async with supervisor([program("talker", code)], logs=tmp_path) as supervised:
            await supervised.start()

    asyncio.run(run())

    assert (tmp_path / "talker.log").read_text() == f"ready\n{'x' * long}\n"


def test_a_terminal_that_has_gone_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(errno.EIO, "gone")

    # One write, so that who has read that it is ready has read the rest too.
    written = "ready\\n[error    ] half a line"
    waits = f"import time; print('{written}', end='', flush=True); time.sleep(60)"
    stage = [program("talker", waits)]

    async def run() -> list[str]:
        failures: list[str] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, found: failures.append(repr(found["exception"])))
        screen = Terminal(Console(file=Gone()), narrates=False)
        async with Supervisor([stage], tmp_path, screen) as supervised:
            await supervised.start()
        return failures

    assert asyncio.run(asyncio.wait_for(run(), DEADLINE)) == ["OSError(5, 'gone')"]
    assert (tmp_path / "talker.log").read_text() == "ready\n[error    ] half a line"
