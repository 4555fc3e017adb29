from __future__ import annotations

import json

import pytest
import redis

from angel_x.adapters.redis.event_scripts import FEED, HISTORY, MARKS
from angel_x.adapters.redis.events import EventStream
from angel_x.domain.records.live_event import BEGINNING


@pytest.fixture
def stream(cache: redis.Redis) -> EventStream:
    return EventStream(cache)


def order(user_id: int, n: int = 0) -> dict[str, object]:
    return {"user_id": user_id, "kind": "order", "n": n}


def ids_of(stream: EventStream, user_id: int) -> list[str]:
    return [event.id for event in stream.history(user_id, BEGINNING).events]


def numbers_after(stream: EventStream, user_id: int, after_id: str) -> list[int]:
    page = stream.history(user_id, after_id)
    assert page.is_complete
    return [json.loads(event.body)["n"] for event in page.events]


def test_a_reader_of_all_accounts_resumes_after_the_last_id(stream: EventStream) -> None:
    stream.publish([{"user_id": 1, "kind": "order", "order_id": "7"}])
    (first,) = stream.read(BEGINNING, 10).events
    stream.publish([{"user_id": 2, "kind": "basket", "order_id": "8"}])

    page = stream.read(first.id, 10)

    (second,) = page.events
    assert page.is_complete
    assert (second.user_id, second.kind) == (2, "basket")
    assert json.loads(second.body) == {"order_id": "8"}


def test_a_new_reader_starts_behind_the_newest_event(stream: EventStream) -> None:
    assert stream.last_id() == BEGINNING
    stream.publish([order(1), order(1)])

    assert stream.read(stream.last_id(), 10).events == []


def test_the_feed_is_bounded_and_a_reader_that_is_late_is_told(cache: redis.Redis) -> None:
    stream = EventStream(cache, feed_length=100)
    stream.publish([order(1)])
    first = stream.last_id()

    stream.publish([order(1, n) for n in range(1000)])

    assert 100 <= int(str(cache.xlen(FEED))) < 300
    assert not stream.read(first, 10).is_complete


def test_a_reader_is_told_that_the_feed_was_wiped(cache: redis.Redis, stream: EventStream) -> None:
    stream.publish([order(1)])
    last = stream.last_id()
    cache.flushdb()

    assert not stream.read(last, 10).is_complete


def test_an_account_resumes_whatever_others_did(stream: EventStream) -> None:
    stream.publish([order(1, 0), order(1, 1)])
    first, _ = ids_of(stream, 1)

    for _ in range(12):
        stream.publish([order(2, n) for n in range(1_000)])
    stream.publish([order(1, 2)])

    assert numbers_after(stream, 1, first) == [1, 2]


def test_states_are_published_for_watched_accounts_only_and_have_no_history(
    stream: EventStream,
) -> None:
    stream.watch([2], 60)

    stream.publish([{"user_id": user_id, "kind": "portfolio", "n": 1} for user_id in (1, 2, 3)])

    assert [event.user_id for event in stream.read(BEGINNING, 10).events] == [2]
    assert ids_of(stream, 2) == []


def test_the_watched_accounts_are_known_until_their_watch_ends(stream: EventStream) -> None:
    assert stream.watched() == set()
    stream.watch([2, 5], 60)
    stream.watch([7], -1)

    assert stream.watched() == {2, 5}


def test_a_watch_ends(stream: EventStream) -> None:
    stream.watch([2], -1)

    stream.publish([{"user_id": 2, "kind": "portfolio"}])

    assert stream.read(BEGINNING, 10).events == []


def test_events_for_all_accounts_stand_between_those_of_one(stream: EventStream) -> None:
    stream.publish([order(1, 0), order(0, 1), order(2, 9), order(1, 2), order(0, 3)])

    assert numbers_after(stream, 1, BEGINNING) == [0, 1, 2, 3]
    _, alert, *_ = ids_of(stream, 1)
    assert numbers_after(stream, 1, alert) == [2, 3]


def test_pages_leave_out_no_event_of_either_history(stream: EventStream) -> None:
    stream.publish([order(0 if n % 3 == 0 else 1, n) for n in range(30)])

    after_id, read = BEGINNING, []
    while events := stream.history(1, after_id, count=4).events:
        read += [json.loads(event.body)["n"] for event in events]
        after_id = events[-1].id

    assert read == list(range(30))


@pytest.mark.parametrize("after_id", ["1-0", "99999999999999-0", "4102444800000-3"])
def test_an_id_that_never_existed_is_a_gap(stream: EventStream, after_id: str) -> None:
    assert not stream.history(1, after_id).is_complete
    stream.publish([order(1)])

    assert not stream.history(1, after_id).is_complete


def test_the_id_of_another_account_is_a_gap(stream: EventStream) -> None:
    stream.publish([order(2)])
    (other,) = ids_of(stream, 2)

    assert not stream.history(1, other).is_complete


def test_an_id_older_than_the_history_is_a_gap_and_what_is_held_follows(
    cache: redis.Redis,
) -> None:
    stream = EventStream(cache, history_length=100)
    stream.publish([order(1)])
    (first,) = ids_of(stream, 1)
    assert stream.history(1, BEGINNING).is_complete

    stream.publish([order(1, n) for n in range(1000)])

    assert 100 <= int(str(cache.xlen(f"{HISTORY}1"))) < 300
    page = stream.history(1, first)
    assert not page.is_complete
    assert page.events[-1].id == stream.position(1)
    assert not stream.history(1, BEGINNING).is_complete
    assert stream.history(1, page.events[0].id).is_complete


def test_events_leave_the_history_with_their_time(cache: redis.Redis, stream: EventStream) -> None:
    stream.publish([order(1, n) for n in range(300)])
    first, *_ = ids_of(stream, 1)
    later = int(first.partition("-")[0]) + 20 * 60_000
    cache.hset(MARKS, "last", f"{later}-0")

    stream.publish([order(1, 300)])

    assert int(str(cache.xlen(f"{HISTORY}1"))) <= 100
    assert not stream.history(1, first).is_complete
    assert 0 < int(str(cache.pttl(f"{HISTORY}1"))) <= 16 * 60_000


def test_the_newest_id_of_a_quiet_account_stays_good(cache: redis.Redis) -> None:
    stream = EventStream(cache)
    stream.publish([order(1, 0)])
    newest = stream.position(1)
    cache.delete(f"{HISTORY}1")

    stream.publish([order(1, 1)])

    assert numbers_after(stream, 1, newest) == [1]


def test_after_a_wipe_an_old_id_is_a_gap_and_the_new_ones_follow(
    cache: redis.Redis, stream: EventStream
) -> None:
    stream.publish([order(1, 0), order(1, 1)])
    first, second = ids_of(stream, 1)
    cache.flushdb()

    assert not stream.history(1, second).is_complete
    stream.publish([order(1, 2)])

    page = stream.history(1, first)
    assert not page.is_complete
    assert [json.loads(event.body)["n"] for event in page.events] == [2]
    assert numbers_after(stream, 1, BEGINNING) == [2]


def test_a_history_without_its_marks_is_no_proof_of_completeness(
    cache: redis.Redis, stream: EventStream
) -> None:
    stream.publish([order(1, 0), order(0, 1)])
    own, for_all = ids_of(stream, 1)
    cache.delete(MARKS)

    assert not stream.history(1, BEGINNING).is_complete
    assert [stream.history(1, event_id).is_complete for event_id in (own, for_all)] == [False, True]


def test_ids_grow_though_the_clock_went_back(cache: redis.Redis, stream: EventStream) -> None:
    ahead = 4102444800000
    cache.hset(MARKS, "last", f"{ahead}-7")
    stream.publish([order(1), order(2)])

    assert [e.id for e in stream.read(BEGINNING, 10).events] == [f"{ahead}-8", f"{ahead}-9"]

    cache.delete(MARKS, FEED)
    stream.publish([order(1)])

    (event,) = stream.history(1, BEGINNING).events
    assert event.id < f"{ahead}"


def test_publishing_nothing_asks_no_server() -> None:
    EventStream(redis.Redis(host="nowhere.invalid")).publish([])
