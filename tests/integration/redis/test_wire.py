from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from angel_x.adapters.redis.wire import command, exchange
from tests.builders.breaking import BREAKS, Breaker, Manner, Moment, breaking_redis
from tests.plugins.servers import RedisUrls


@dataclass(frozen=True)
class Broken:
    breaker: Breaker
    #: Goes through the breaker, and repeats nothing by itself.
    client: Redis


@pytest.fixture
def broken(redis_urls: RedisUrls) -> Iterator[Broken]:
    with (
        breaking_redis(redis_urls.cache_url) as (breaker, url),
        closing(Redis.from_url(url)) as client,
    ):
        yield Broken(breaker, client)


def test_replies_come_in_the_order_of_the_commands(cache: Redis) -> None:
    block = memoryview(b"\r\n$3\0" * 2_000)

    replies = exchange(
        cache, [command(b"SET", b"a", block), command(b"GET", b"a"), command(b"GET", b"b")]
    )

    assert replies == [b"OK", bytes(block), None]


def test_no_commands_ask_nothing(cache: Redis) -> None:
    assert exchange(cache, []) == []


def test_a_refused_command_leaves_the_others_done_and_the_connection_sound(cache: Redis) -> None:
    commands = [
        command(b"SET", b"a", b"1"),
        command(b"LPUSH", b"a", b"2"),
        command(b"SET", b"b", b"3"),
    ]

    with pytest.raises(ResponseError, match="WRONGTYPE"):
        exchange(cache, commands)

    assert cache.mget("a", "b") == [b"1", b"3"]
    assert exchange(cache, [command(b"GET", b"b")]) == [b"3"]


@pytest.mark.parametrize(("moment", "manner"), BREAKS)
@pytest.mark.parametrize("block", [b"1", b"1" * 4_000_000], ids=["small", "large"])
def test_a_connection_that_breaks_is_made_anew_at_any_moment_whether_it_ends_or_is_reset(
    broken: Broken, moment: Moment, manner: Manner, block: bytes
) -> None:
    exchange(broken.client, [command(b"SET", b"a", b"0")])
    broken.breaker.break_next(moment, manner)

    assert exchange(broken.client, [command(b"SET", b"a", block), command(b"GET", b"a")]) == [
        b"OK",
        block,
    ]
    assert (broken.breaker.broken, broken.breaker.made) == (1, 2)


def test_a_server_that_breaks_every_connection_is_away(broken: Broken) -> None:
    exchange(broken.client, [command(b"SET", b"a", b"0")])
    broken.breaker.break_next(Moment.IN_REQUEST, Manner.RESET, times=9)

    with pytest.raises(RedisConnectionError):
        exchange(broken.client, [command(b"SET", b"a", b"1")])

    assert broken.breaker.broken == 2


def test_what_came_of_a_broken_answer_is_not_taken_for_the_next_one(broken: Broken) -> None:
    exchange(broken.client, [command(b"MSET", b"a", b"1", b"b", b"2")])
    broken.breaker.break_next(Moment.IN_ANSWER, Manner.END)

    assert exchange(broken.client, [command(b"GET", b"a"), command(b"GET", b"b")]) == [b"1", b"2"]
    assert exchange(broken.client, [command(b"GET", b"b")]) == [b"2"]
