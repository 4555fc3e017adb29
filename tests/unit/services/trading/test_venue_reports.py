"""Orders that rest at a venue which trades by itself: its reports are recorded, each once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_x.domain.exchange.answer import VenueState
from angel_x.domain.orders.order import OrderStatus
from angel_x.services.trading.venue_reports import ReportPace, VenueReports
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
            pace=ReportPace(usual=60.0, blind=5.0, heard=1.0),
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

    reporting.reports.connect()
    for seconds in (0.0, 1.0, 59.9, 60.0, 61.0):
        reporting.now = seconds
        reporting.reports.look()

    assert reporting.venue.requests("status") == 2


def test_the_venue_is_asked_more_often_while_nothing_is_heard_from_it(reporting: Reporting) -> None:
    reporting.trading.order()

    for seconds in (0.0, 4.9, 5.0, 6.0):
        reporting.now = seconds
        reporting.reports.look()
    reporting.reports.connect()
    reporting.reports.look()
    reporting.reports.disconnect()
    reporting.now = 11.0
    reporting.reports.look()

    assert reporting.venue.requests("status") == 4


def heard(reporting: Reporting, *order_ids: int, seconds: float = 1.0) -> int:
    """Hear of orders, and look some time later."""
    for order_id in order_ids:
        reporting.reports.hear(order_id)
    reporting.now += seconds
    return reporting.reports.look()


def test_an_order_that_is_heard_of_is_looked_at_soon_and_alone(reporting: Reporting) -> None:
    changed, _other = reporting.trading.order(), reporting.trading.order()
    reporting.reports.connect()
    reporting.look()
    reporting.venue.asked.clear()
    reporting.venue.trade(changed.tag, LOT, Decimal("99.00"))

    assert heard(reporting, changed.id, changed.id) > 0
    assert heard(reporting) == 0

    assert changed.filled_quantity == LOT
    assert reporting.venue.asked == [("status", [changed.tag])]


def test_what_is_heard_of_many_orders_within_a_second_is_one_request(reporting: Reporting) -> None:
    orders = [reporting.trading.order() for _ in range(3)]
    reporting.reports.connect()
    reporting.look()
    reporting.venue.asked.clear()

    for order in orders:
        heard(reporting, order.id, seconds=0.3)
    heard(reporting)

    assert reporting.venue.asked == [("status", [order.tag for order in orders])]


def test_an_order_whose_request_is_unanswered_is_looked_at_after_the_answer(
    reporting: Reporting,
) -> None:
    reporting.venue.lost_answers.add("place")
    order = reporting.trading.order()
    reporting.venue.lost_answers.clear()
    reporting.reports.connect()
    reporting.look()

    assert heard(reporting, order.id) == 0
    reporting.trading.resolve(order)
    reporting.venue.trade(order.tag, LOT, Decimal("99.00"))

    assert heard(reporting) > 0
    assert order.filled_quantity == LOT


def test_what_was_heard_is_not_forgotten_when_a_look_fails(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = reporting.trading.order()
    reporting.reports.connect()
    reporting.look()
    reporting.venue.trade(order.tag, LOT, Decimal("99.00"))
    with monkeypatch.context() as patched:
        patched.setattr(reporting.trading.desk, "report", lambda _: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            heard(reporting, order.id)

    assert heard(reporting) > 0


def test_an_order_that_nobody_knows_is_heard_of_without_effect(reporting: Reporting) -> None:
    order = reporting.trading.order()
    reporting.reports.connect()
    reporting.look()

    assert heard(reporting, 10**17) == 0
    assert str(order.status) == "working"


#: A trade of a lot of one of two orders, news of one of them, or a look.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("trade"), st.integers(0, 1)),
        st.tuples(st.just("hear"), st.integers(0, 1)),
        st.tuples(st.just("look"), st.sampled_from([0, 1])),
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(STEPS)
def test_news_that_is_doubled_lost_or_out_of_order_ends_in_the_same_book(
    steps: list[tuple[str, int]],
) -> None:
    reporting = Reporting()
    orders = [reporting.trading.order(lots=2) for _ in range(2)]
    reporting.reports.connect()
    for step, which in steps:
        order = orders[which]
        if step == "hear":
            reporting.reports.hear(order.id)
        elif step == "look":
            heard(reporting, seconds=which)
        elif reporting.venue.held[order.tag].filled < 2 * LOT:
            reporting.venue.trade(order.tag, LOT, Decimal("99.00"))

    reporting.look()

    there = [reporting.venue.held[order.tag] for order in orders]
    assert [order.filled_quantity for order in orders] == [each.filled for each in there]
    names = [e.id for each in there for e in each.executions]
    assert sorted(name for name, _ in reporting.trading.executions) == sorted(names)


def test_a_local_venue_is_not_asked() -> None:
    reporting = Reporting(PAPER)
    order = reporting.trading.order()

    assert reporting.look() == 0
    assert str(order.status) == "working"
