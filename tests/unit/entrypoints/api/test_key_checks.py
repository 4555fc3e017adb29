from __future__ import annotations

import asyncio
import threading

import pytest

from angel_x.domain.records.access import Identity, Scope
from angel_x.entrypoints.api.bulkheads import Bulkheads
from angel_x.entrypoints.api.key_checks import REFUSAL_SECONDS, KeyChecks
from angel_x.errors import AccessDenied, BadKeysExceeded
from angel_x.services.accounts.access import Access
from angel_x.services.accounts.bad_keys import BadKeys
from tests.builders.timers import Timer
from tests.fakes.keys import MemoryKeys

DEADLINE_SECONDS = 120.0
HOME = "10.0.0.1"
BURST = 5


@pytest.fixture
def keys() -> MemoryKeys:
    return MemoryKeys()


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def access(keys: MemoryKeys, timer: Timer) -> Access:
    return Access(keys, timer=timer)


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def checks(access: Access, timer: Timer, pauses: list[float]) -> KeyChecks:
    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    return KeyChecks(
        access,
        BadKeys(1, timer=timer),
        Bulkheads(4, patience_seconds=DEADLINE_SECONDS),
        pause=pause,
    )


def bad(n: int) -> str:
    return f"ax_{n:012x}_{'0' * 64}"


def test_bad_keys_are_looked_up_until_there_are_too_many(
    checks: KeyChecks, keys: MemoryKeys, pauses: list[float]
) -> None:
    async def scenario() -> None:
        for n in range(BURST):
            with pytest.raises(AccessDenied):
                await checks.identify(bad(n), HOME)
        assert pauses == []
        for n in range(BURST, 40):
            with pytest.raises(BadKeysExceeded):
                await checks.identify(bad(n), HOME)

    asyncio.run(scenario())

    assert keys.reads == BURST
    assert pauses == [REFUSAL_SECONDS] * (40 - BURST)


def test_a_flood_of_bad_keys_does_not_refuse_a_key_that_was_valid(
    checks: KeyChecks, access: Access, timer: Timer
) -> None:
    key = access.issue(7, [Scope.READ])

    async def scenario() -> None:
        await checks.identify(key, HOME)
        for n in range(40):
            with pytest.raises((AccessDenied, BadKeysExceeded)):
                await checks.identify(bad(n), HOME)
        # Not cached any more.
        timer.now += 3.0
        assert (await checks.identify(key, HOME)).user_id == 7

    asyncio.run(scenario())


def test_requests_with_one_key_wait_for_one_look_up(
    checks: KeyChecks, keys: MemoryKeys, access: Access
) -> None:
    key = access.issue(7, [Scope.READ])
    go_on = threading.Event()
    keys.on_read = lambda: _wait(go_on)

    async def scenario() -> list[Identity]:
        requests = [asyncio.create_task(checks.identify(key, HOME)) for _ in range(20)]
        await asyncio.sleep(0)
        requests[0].cancel()
        go_on.set()
        found = await asyncio.gather(*requests, return_exceptions=True)
        return [identity for identity in found if isinstance(identity, Identity)]

    found = asyncio.run(scenario())

    assert [identity.user_id for identity in found] == [7] * 19
    assert keys.reads == 1


def test_an_outage_does_not_count_as_a_bad_key(
    checks: KeyChecks, keys: MemoryKeys, access: Access
) -> None:
    key = access.issue(7, [Scope.READ])

    def fail() -> None:
        raise ConnectionError

    async def scenario() -> None:
        keys.on_read = fail
        for n in range(40):
            with pytest.raises(ConnectionError):
                await checks.identify(bad(n), HOME)
        keys.on_read = lambda: None
        assert (await checks.identify(key, HOME)).user_id == 7

    asyncio.run(scenario())


def _wait(go_on: threading.Event) -> None:
    assert go_on.wait(DEADLINE_SECONDS)
