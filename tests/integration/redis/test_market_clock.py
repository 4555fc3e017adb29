from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import redis

from angel_x.adapters.redis.market_clock import MarketClock, RedisFeedBeacon
from angel_x.adapters.redis.universe_pointer import RedisUniversePointer
from angel_x.domain.feed.feed_state import FeedState
from tests.builders.door import Door
from tests.builders.markets import NOW, ManualClock

MARKET = NOW - timedelta(days=90)


def state(speed: float = 1.0, *, is_paused: bool = False) -> FeedState:
    return FeedState(source="replay", wall=NOW, market=MARKET, speed=speed, is_paused=is_paused)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def beacon(cache: redis.Redis) -> RedisFeedBeacon:
    return RedisFeedBeacon(cache)


@pytest.fixture
def market_clock(cache: redis.Redis, clock: ManualClock) -> MarketClock:
    return MarketClock(cache, clock)


def test_without_a_feed_the_market_is_at_the_wall_clock(
    market_clock: MarketClock, clock: ManualClock
) -> None:
    assert market_clock() == NOW
    clock.advance(90)
    assert market_clock() == NOW + timedelta(seconds=90)
    assert not market_clock.is_live()


def test_with_a_feed_the_market_is_where_the_feed_says_and_runs_at_its_speed(
    market_clock: MarketClock, clock: ManualClock, beacon: RedisFeedBeacon
) -> None:
    beacon.show(state(60.0))

    clock.advance(2)

    assert market_clock() == MARKET + timedelta(seconds=120)
    assert market_clock.is_live()


def test_a_paused_market_stands_whatever_its_speed(
    market_clock: MarketClock, clock: ManualClock, beacon: RedisFeedBeacon
) -> None:
    beacon.show(state(60.0, is_paused=True))
    assert market_clock() == MARKET

    clock.advance(500)

    assert market_clock() == MARKET


def test_the_state_is_read_while_a_feed_runs_and_not_afterwards(beacon: RedisFeedBeacon) -> None:
    assert beacon.read() is None

    beacon.show(state(60.0, is_paused=True))
    assert beacon.read() == state(60.0, is_paused=True)

    beacon.hide()
    assert beacon.read() is None


def test_what_the_feed_says_is_kept_for_a_second(
    market_clock: MarketClock, clock: ManualClock, beacon: RedisFeedBeacon
) -> None:
    assert market_clock() == NOW
    beacon.show(state())

    clock.advance(0.9)
    assert market_clock() == NOW + timedelta(seconds=0.9)
    clock.advance(0.1)
    assert market_clock() == MARKET + timedelta(seconds=1)


def test_a_feed_that_ended_is_not_live_and_its_market_goes_on(
    market_clock: MarketClock, clock: ManualClock, beacon: RedisFeedBeacon
) -> None:
    beacon.show(state())
    beacon.hide()
    clock.advance(30)

    assert market_clock() == MARKET + timedelta(seconds=30)
    assert not market_clock.is_live()


def test_the_beacon_goes_out_by_itself(cache: redis.Redis, beacon: RedisFeedBeacon) -> None:
    beacon.show(state())

    assert 0 < cache.ttl("ax:feed:live") <= 5
    assert 3_590 < cache.ttl("ax:feed") <= 3_600


def test_a_lost_word_brings_the_wall_clock_back(
    market_clock: MarketClock, clock: ManualClock, beacon: RedisFeedBeacon, cache: redis.Redis
) -> None:
    beacon.show(state())
    assert market_clock() == MARKET
    cache.flushdb()

    clock.advance(1)

    assert market_clock() == NOW + timedelta(seconds=1)


def test_the_last_word_stands_while_redis_does_not_answer(
    cache: redis.Redis, clock: ManualClock, beacon: RedisFeedBeacon, tmp_path: Path
) -> None:
    door = Door(cache, tmp_path)
    market_clock = MarketClock(door.client, clock)
    beacon.show(state())
    assert market_clock() == MARKET

    door.shut()
    clock.advance(30)
    assert market_clock() == MARKET + timedelta(seconds=30)

    door.open()
    cache.flushdb()
    clock.advance(1)
    assert market_clock() == NOW + timedelta(seconds=31)
    door.client.close()


def test_a_published_version_is_read_by_every_process(cache: redis.Redis) -> None:
    pointer = RedisUniversePointer(cache)
    assert pointer.get() is None

    pointer.publish("0123456789abcdef")

    assert RedisUniversePointer(cache).get() == "0123456789abcdef"
    assert cache.ttl("ax:universe") == -1


def test_a_time_of_the_wall_clock_is_always_the_same_time_of_the_market(
    market_clock: MarketClock, clock: ManualClock, beacon: RedisFeedBeacon
) -> None:
    asked = NOW - timedelta(seconds=3)
    assert market_clock.at(asked) == asked
    beacon.show(state(60.0))
    clock.advance(1)
    assert market_clock.at(asked) == MARKET - timedelta(seconds=180)

    clock.advance(40)

    assert market_clock.at(asked) == MARKET - timedelta(seconds=180)
