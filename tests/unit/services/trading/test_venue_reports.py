"""Orders that rest at a venue which trades by itself: its reports are recorded, each once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from angel_x.domain.exchange.answer import VenueState
from angel_x.domain.orders.order import OrderStatus
from angel_x.services.trading.venue_reports import VenueReports
from tests.builders.paper import LOT
from tests.builders.trading import PAPER, SCRIPTED, Trading
from tests.fakes.holdings import MemoryHoldings


class Reporting:
    """A venue with a state of its own, and looks at it."""

    def __init__(self, kind: str = SCRIPTED) -> None:
        self.trading = Trading(kind)
        self.venue, self.now = self.trading.scripted, 0.0
        self.reports = VenueReports(
            desk=self.trading.desk,
            venue=self.trading.venue,
            find_accounts=lambda: [1],
            find_orders=MemoryHoldings(self.trading.tables).open_orders,
            monotonic=lambda: self.now,
            interval_seconds=60.0,
        )

    def look(self) -> int:
        """Look once it is time."""
        self.now += 60.0
        return self.reports.look()


@pytest.fixture
def reporting() -> Reporting:
    return Reporting()


def test_a_fill_at_the_venue_is_recorded_once(reporting: Reporting) -> None:
    order = reporting.trading.order()
    reporting.venue.trade(order.tag, LOT, Decimal("99.00"))

    moved = [reporting.look() for _ in range(3)]

    assert moved[1:] == [0, 0]
    assert (str(order.status), order.filled_quantity) == ("partially_filled", LOT)
    reporting.venue.trade(order.tag, LOT, Decimal("98.90"))
    reporting.look()
    assert (str(order.status), order.filled_quantity) == ("filled", 2 * LOT)
    assert [units for _, units in reporting.trading.executions] == [LOT, LOT]
    assert reporting.trading.margin_used == 0


def test_an_order_that_the_venue_took_off_is_canceled(reporting: Reporting) -> None:
    order = reporting.trading.order()
    reporting.venue.held[order.tag].state = VenueState.CANCELED

    reporting.look()

    assert order.status is OrderStatus.CANCELED
    assert reporting.trading.row(order.id).reason == "CANCELED_BY_VENUE"
    assert reporting.trading.margin_used == 0


def test_without_an_answer_or_without_the_order_nothing_changes(reporting: Reporting) -> None:
    order = reporting.trading.order()
    reporting.venue.lost_answers.add("status")
    assert reporting.look() == 0
    reporting.venue.lost_answers.clear()
    held = reporting.venue.held.pop(order.tag)

    assert reporting.look() == 0

    assert str(order.status) == "working"
    reporting.venue.held[order.tag] = held


def test_an_order_that_was_changed_since_the_venue_was_asked_waits_for_the_next_look(
    reporting: Reporting,
) -> None:
    order = reporting.trading.order()
    reporting.venue.trade(order.tag, LOT, Decimal("99.00"))
    status = reporting.venue.status

    def meanwhile(tags: list[str]) -> object:
        answers = status(tags)
        order.attempt += 1
        return answers

    reporting.venue.status = meanwhile  # type: ignore[method-assign, assignment]
    assert reporting.look() == 0
    reporting.venue.status = status  # type: ignore[method-assign]

    assert reporting.look() > 0
    assert order.filled_quantity == LOT


def test_the_venue_is_asked_at_the_start_and_then_at_intervals(reporting: Reporting) -> None:
    reporting.trading.order()

    for seconds in (0.0, 1.0, 59.9, 60.0, 61.0):
        reporting.now = seconds
        reporting.reports.look()

    assert reporting.venue.requests("status") == 2


def test_a_local_venue_is_not_asked() -> None:
    reporting = Reporting(PAPER)
    order = reporting.trading.order()

    assert reporting.look() == 0
    assert str(order.status) == "working"
