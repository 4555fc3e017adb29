from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis.exceptions import ResponseError

from angel_x.adapters.redis.wire import command, exchange

if TYPE_CHECKING:
    from redis import Redis


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


def test_a_connection_that_died_is_made_anew(cache: Redis) -> None:
    exchange(cache, [command(b"SET", b"a", b"1")])
    cache.connection_pool.disconnect()

    assert exchange(cache, [command(b"GET", b"a")]) == [b"1"]


def test_a_connection_that_the_server_closed_is_made_anew(cache: Redis) -> None:
    exchange(cache, [command(b"CLIENT", b"KILL", b"TYPE", b"normal", b"SKIPME", b"no")])

    assert exchange(cache, [command(b"SET", b"a", b"1")]) == [b"OK"]
