"""Updates are handed on by order, each once; those of others never."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from angel_x.adapters.angel_one.order_follower import OrderFollower
from angel_x.adapters.angel_one.order_updates import Event, OrderUpdates
from angel_x.adapters.angel_one.records import BookOrder


class Heard:
    """Notes each call."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def hear(self, order_id: int) -> None:
        self.told.append(order_id)

    def connect(self) -> None:
        self.told.append("connected")

    def disconnect(self) -> None:
        self.told.append("lost")


class Given:
    """Updates that are written down."""

    def __init__(self, *events: BookOrder | Event) -> None:
        self._events = events

    def events(self) -> Iterator[BookOrder | Event]:
        yield from self._events


def order(number: int = 1, filled: int = 0, **changes: Any) -> BookOrder:
    row = {"orderid": str(number), "ordertag": f"angel-x-{number}", "quantity": 195, **changes}
    return BookOrder.of({"status": "open", **row, "filledshares": filled})


def told(*events: BookOrder | Event, most: int = 1000) -> list[object]:
    listener, left = Heard(), iter(range(most))
    follower = OrderFollower(cast(OrderUpdates, Given(*events)), listener)
    follower.run(lambda: next(left, None) is None)
    return listener.told


def test_each_change_of_an_order_is_heard_of_once() -> None:
    assert told(order(), order(), order(2), order(filled=65), order(), order(2)) == [1, 2, 1]


@pytest.mark.parametrize("tag", ["", "mine", "angel-x-0", "angel-x-1" + "0" * 30])
def test_orders_of_others_are_not_heard_of(tag: str) -> None:
    assert told(order(ordertag=tag), order(3)) == [3]


def test_a_connection_begins_anew_and_a_lost_one_is_told() -> None:
    assert told(Event.CONNECTED, order(), Event.IDLE, Event.LOST, Event.CONNECTED, order()) == [
        "connected", 1, "lost", "connected", 1,
    ]  # fmt: skip


def test_it_ends_when_it_is_told_to() -> None:
    assert told(order(1), order(2), order(3), most=2) == [1, 2]
