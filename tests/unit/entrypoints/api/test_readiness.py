from __future__ import annotations

import asyncio
import threading

from angel_x.entrypoints.api.readiness import ReadinessCheck

DEADLINE_SECONDS = 120.0


def test_every_part_must_be_well() -> None:
    def broken() -> str:
        raise ConnectionError("refused\nand more")

    async def scenario() -> None:
        check = ReadinessCheck({"database": lambda: "answers", "broker": broken})
        answer = await check.run()
        check.close()
        assert not answer.ready
        assert answer.parts["database"].ready
        assert answer.parts["broker"].detail == "refused"

    asyncio.run(scenario())


def test_an_answer_is_kept_for_a_second() -> None:
    asked = []

    def probe() -> str:
        asked.append(1)
        return "answers"

    async def scenario() -> None:
        check = ReadinessCheck({"database": probe})
        answers = await asyncio.gather(*(check.run() for _ in range(10)))
        check.close()
        assert all(answer.ready for answer in answers)

    asyncio.run(scenario())

    assert len(asked) == 1


def test_a_part_that_hangs_does_not_hold_up_the_answer_nor_pile_up() -> None:
    release, asked = threading.Event(), []

    def hanging() -> str:
        asked.append(1)
        assert release.wait(DEADLINE_SECONDS)
        return "answers"

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        check = ReadinessCheck({"broker": hanging, "database": lambda: "answers"})
        started = loop.time()
        first, second = await check.run(), await check.run()
        assert loop.time() - started < DEADLINE_SECONDS / 2
        assert not first.ready
        assert first.parts["database"].ready
        assert "no answer" in second.parts["broker"].detail
        release.set()
        check.close()

    asyncio.run(scenario())

    assert len(asked) == 1
