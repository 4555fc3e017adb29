"""Order updates of the fake exchange, through its socket."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random

import pytest

from angel_x.adapters.angel_one.order_updates import Event, OrderUpdates
from angel_x.adapters.angel_one.order_watch import Watch
from angel_x.adapters.angel_one.records import BookOrder
from angel_x.rehearsal.fake_exchange.faults import Fault
from angel_x.rehearsal.fake_exchange.updates import PATH
from tests.builders.broker import LOT, Broker, broker, order

PATIENCE_SECONDS = 120.0


@pytest.fixture(scope="module")
def served() -> Iterator[Broker]:
    with broker() as found:
        yield found


@pytest.fixture
def at_broker(served: Broker) -> Broker:
    served.begin_day()
    return served


def updates(at_broker: Broker) -> OrderUpdates:
    return OrderUpdates(
        f"ws://{at_broker.server.address}{PATH}",
        at_broker.client.session,
        sleep=at_broker.pauses.append,
        monotonic=time.monotonic,
        random=Random(1),
    )


def until(events: Iterator[BookOrder | Event], wanted: BookOrder | Event | str) -> list[BookOrder]:
    """Return the updates before an event, or up to one with a status."""
    found: list[BookOrder] = []
    end = time.monotonic() + PATIENCE_SECONDS
    for event in events:
        if isinstance(event, BookOrder):
            found.append(event)
        if event is wanted or (isinstance(event, BookOrder) and event.status == wanted):
            return found
        assert time.monotonic() < end, f"{wanted} did not come"
    raise AssertionError("the events do not end")


def test_the_life_of_an_order_comes_as_updates(at_broker: Broker) -> None:
    events = updates(at_broker).events()
    until(events, Event.CONNECTED)

    at_broker.client.place(order())
    found = until(events, "complete")

    assert [(each.status, each.filled, each.tag) for each in found] == [
        ("open", 0, "angel-x-1"),
        ("complete", LOT, "angel-x-1"),
    ]
    events.close()  # type: ignore[attr-defined]


def test_doubled_late_and_missed_updates_are_each_change_once(at_broker: Broker) -> None:
    socket = updates(at_broker)
    watch = Watch(at_broker.client.order_book, monotonic=time.monotonic)
    events = socket.events()
    changes = (each for each in watch.changes(events) if each is not None)
    at_broker.client.place(order(ordertag="by hand"))
    first = next(changes)
    for fault in (Fault.DUPLICATE, Fault.REORDER, Fault.HANG_UP):
        at_broker.plan(fault, "update")
    at_broker.client.place(order(ordertag="angel-x-2"))
    at_broker.client.place(order(ordertag="angel-x-3"))

    found = [first]
    while sum(each.status == "complete" for each in found) < 3:
        found.append(next(changes))

    assert len({(each.order_id, each.status) for each in found}) == len(found)
    assert socket.tally.connections >= 1
    events.close()  # type: ignore[attr-defined]


def test_a_socket_whose_token_has_expired_is_opened_with_a_new_one(at_broker: Broker) -> None:
    client = at_broker.client
    client.login()
    token = client.session.tokens()
    at_broker.server.do(lambda each: each.sessions.expire(token.access))
    events = updates(at_broker).events()

    until(events, Event.LOST)
    until(events, Event.CONNECTED)

    assert client.session.tokens() is not token
    events.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "frame",
    [
        "", "{", "[]", "7", b"\x00\xff", '{"orderData": 7}', '{"orderData": {"orderid": ""}}',
        '{"orderData": {"orderid": "7", "quantity": "many"}}', "[" * 100_000,
    ],
)  # fmt: skip
def test_a_frame_that_is_no_update_is_counted_and_disturbs_nothing(
    at_broker: Broker, frame: str | bytes
) -> None:
    socket = updates(at_broker)

    assert socket._read(frame) is None
    assert socket._read('{"order-status": "AB00", "orderData": {}}') is None
    assert socket._read("pong") is None
    read = socket._read('{"orderData": {"orderid": "7", "quantity": 65}}')

    assert read is not None
    assert (socket.tally.unreadable, socket.tally.updates, read.quantity) == (1, 1, 65)


def test_pauses_between_attempts_grow_and_are_never_the_same_for_all(at_broker: Broker) -> None:
    socket = updates(at_broker)
    socket._url = "ws://127.0.0.1:1/"
    events = socket.events()

    assert [next(events) for _ in range(9)] == [Event.LOST] * 9

    bounds = [min(0.5 * 2**n, 30.0) for n in range(1, 9)]
    assert all(b / 2 <= p <= b for b, p in zip(bounds, at_broker.pauses, strict=True))
    events.close()  # type: ignore[attr-defined]
