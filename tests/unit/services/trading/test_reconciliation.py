"""Comparisons with the broker: confirmed by a second look, stored, and reported."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from angel_x.domain.exchange.reconciliation import (
    BookState,
    BrokerState,
    ForeignOrder,
    Reconciliation,
)
from angel_x.errors import BrokerUnavailable
from angel_x.services.trading.reconciliation import Reconciler

NOW = datetime(2026, 8, 19, 7, tzinfo=UTC)
EQUAL = BookState(orders={}, executions={}, positions={("X", "NRML"): 65}, cash=Decimal(100))
OTHER = replace(EQUAL, positions={("X", "NRML"): 130})
BY_HAND = ForeignOrder("9", "X", "NRML", "BUY", 65, 0, "open")


@dataclass
class World:
    """A broker that shows one state after the other, and a store."""

    #: None: the broker does not answer.
    shown: list[BookState | None]
    ours: BookState = EQUAL
    foreign: tuple[ForeignOrder, ...] = ()
    is_live: bool = True
    stored: list[Reconciliation] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.reconciler = Reconciler(
            is_live=self.is_live,
            broker=Shown(self),
            store=self,
            clock=lambda: self.now,
            sleep=self.pauses.append,
            tolerance=Decimal(1),
        )

    def state(self, _order_ids: Collection[int]) -> BookState:
        return self.ours

    def put(self, result: Reconciliation) -> None:
        self.stored.append(result)

    def newest(self) -> Reconciliation | None:
        return self.stored[-1] if self.stored else None


class Shown:
    """The broker of a world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def state(self, _patience_seconds: float) -> BrokerState:
        book = self._world.shown.pop(0)
        if book is None:
            raise BrokerUnavailable("away")
        return BrokerState(book=book, foreign=self._world.foreign)

    def close(self) -> None:
        """There is nothing to close."""


def test_equal_sides_are_looked_at_once_and_the_result_is_stored() -> None:
    world = World([EQUAL])

    result = world.reconciler.run()

    assert result.agrees
    assert (result.at, result.positions, result.differences) == (NOW, 1, ())
    assert (world.stored, world.pauses) == ([result], [])


def test_a_difference_that_a_second_look_does_not_find_was_on_its_way() -> None:
    world = World([OTHER, EQUAL])

    assert world.reconciler.run().agrees
    assert world.pauses


def test_a_difference_that_stays_is_stored_measured_and_logged_with_both_values() -> None:
    world = World([OTHER, OTHER])

    with capture_logs() as events:
        result = world.reconciler.run()

    assert not result.agrees
    assert [(e["event"], e["kind"], e["subject"], e["broker"], e["database"]) for e in events] == [
        ("difference.found", "position", "X NRML", "130", "65")
    ]
    measured = world.reconciler.differences()
    assert (measured["position"], sum(measured.values())) == (1, 1)


def test_an_unanswered_request_is_no_agreement() -> None:
    world = World([EQUAL], replace(EQUAL, pending=frozenset({"angel-x-7"})))

    result = world.reconciler.run()

    assert (result.pending, result.differences, result.agrees) == (1, (), False)


def test_an_order_by_hand_is_logged_once_and_is_no_difference() -> None:
    world = World([EQUAL, EQUAL], foreign=(BY_HAND,))

    with capture_logs() as events:
        results = [world.reconciler.run() for _ in range(2)]

    assert [result.foreign for result in results] == [(BY_HAND,)] * 2
    assert all(result.agrees for result in results)
    assert [each["event"] for each in events] == ["order.foreign"]


def test_without_an_answer_nothing_is_stored_and_the_age_of_the_last_result_grows() -> None:
    world = World([EQUAL, None])
    assert world.reconciler.age_seconds() == float("inf")
    world.reconciler.run_if_live()
    world.now = NOW.replace(minute=2)

    assert world.reconciler.run_if_live() is None

    assert len(world.stored) == 1
    assert world.reconciler.age_seconds() == 120


def test_a_broker_that_does_not_answer_is_an_error_to_who_asks() -> None:
    with pytest.raises(BrokerUnavailable):
        World([None]).reconciler.run()


def test_a_system_on_paper_asks_no_broker_and_measures_nothing() -> None:
    world = World([], is_live=False)

    assert world.reconciler.run_if_live() is None
    assert world.reconciler.differences() == {}
    assert world.reconciler.age_seconds() is None
