from __future__ import annotations

import json

import pytest
import redis

from angel_x.adapters.redis.events import KEY, EventStream


@pytest.fixture
def stream(cache: redis.Redis) -> EventStream:
    return EventStream(cache)


def test_a_reader_resumes_after_what_it_has_seen(stream: EventStream) -> None:
    stream.publish([{"user_id": 1, "kind": "order", "order_id": "7"}])
    (first,) = stream.read("0")
    stream.publish([{"user_id": 2, "kind": "fill", "order_id": "8"}])

    (second,) = stream.read(first.id)

    assert (second.user_id, second.kind, json.loads(second.body)) == (2, "fill", {"order_id": "8"})


def test_a_new_reader_starts_behind_the_newest_event(stream: EventStream) -> None:
    assert stream.last_id() == "0-0"
    stream.publish([{"user_id": 1, "kind": "order"}, {"user_id": 1, "kind": "fill"}])

    assert stream.read(stream.last_id()) == []


def test_waiting_ends_when_nothing_comes(stream: EventStream) -> None:
    assert stream.read("$", block_ms=20) == []


def test_the_stream_does_not_grow_for_ever(cache: redis.Redis) -> None:
    stream = EventStream(cache, length=100)

    stream.publish([{"user_id": 1, "kind": "order", "n": n} for n in range(1000)])

    assert 100 <= int(str(cache.xlen(KEY))) < 300


def test_publishing_nothing_asks_no_server() -> None:
    EventStream(redis.Redis(host="nowhere.invalid")).publish([])
