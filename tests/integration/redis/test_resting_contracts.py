from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from angel_x.adapters.redis.resting_contracts import RedisRestingContracts
from tests.builders.markets import NOW, ManualClock
from tests.plugins.servers import RedisUrls

KEEP = 15.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def resting(redis_urls: RedisUrls, clock: ManualClock) -> Iterator[RedisRestingContracts]:
    with closing(redis.Redis.from_url(redis_urls.cache_url)) as client:
        yield RedisRestingContracts(client, clock, keep_seconds=KEEP)


def test_what_is_noted_is_found(resting: RedisRestingContracts) -> None:
    resting.note([])
    resting.note({"A", "B"})
    resting.note(["B", "C"])

    assert resting.symbols() == {"A", "B", "C"}


def test_a_contract_is_forgotten_unless_it_is_noted_again(
    resting: RedisRestingContracts, clock: ManualClock
) -> None:
    resting.note(["A", "B"])
    clock.advance(10)
    resting.note(["B"])
    clock.advance(KEEP - 10)
    assert resting.symbols() == {"A", "B"}

    clock.advance(0.001)

    assert resting.symbols() == {"B"}


@pytest.mark.parametrize(("count", "is_named"), [(1_000, True), (1_001, False)])
def test_more_than_a_thousand_contracts_are_too_many_to_name(
    resting: RedisRestingContracts, count: int, *, is_named: bool
) -> None:
    symbols = [f"S{i}" for i in range(count)]

    resting.note(symbols)

    assert resting.symbols() == (set(symbols) if is_named else None)


def test_a_thousand_that_grow_by_one_are_too_many(
    resting: RedisRestingContracts, clock: ManualClock
) -> None:
    resting.note([f"S{i}" for i in range(1_000)])
    clock.advance(1)
    resting.note(["T"])

    assert resting.symbols() is None

    clock.advance(KEEP - 0.5)
    assert resting.symbols() == {"T"}
