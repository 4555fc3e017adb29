"""Orders outside of the exchange's sessions: they wait for the next one, or are denied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.book.control import OrderSelection
from angel_x.domain.orders.order import Product, Side, Validity
from angel_x.errors import InvalidOrder
from tests.builders.environs import application_on
from tests.builders.markets import standing_market
from tests.builders.orders import Market

#: Monday 23 November 2026, one minute after the close and one before the opening; a Saturday; the
#: Wednesday after the holiday, at the opening.
AFTER = datetime(2026, 11, 23, 10, 11, tzinfo=UTC)
BEFORE = datetime(2026, 11, 23, 3, 29, tzinfo=UTC)
SATURDAY = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
NEXT_OPENING = datetime(2026, 11, 25, 3, 45, tzinfo=UTC)
OPEN = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.fixture
def market(environ: dict[str, str]) -> Iterator[Market]:
    """A market with the hours of the exchange, one minute after the close."""
    with application_on(environ, market_hours="exchange") as application:
        opened = Market.open(application)
        set_market(opened, AFTER)
        yield opened


def set_market(market: Market, at: datetime) -> None:
    application = market.application
    application.market.feed_ports.beacon.show(standing_market(at, application.base.clock()))
    application.base.market_clock._read_at = datetime.min.replace(tzinfo=UTC)
    assert application.base.market_clock() == at


def assert_invariants(market: Market) -> None:
    application = market.application
    # Validity is of market time, which is in the past here.
    checked = application.operations.invariants.check(application.base.market_clock())
    assert [each for each in checked if not each.holds] == []


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def run(market: Market, *order_ids: int) -> None:
    market.application.trading.execution.run(list(order_ids))


def sweep(application: Application) -> None:
    application.trading.relay.sweep()


@pytest.mark.parametrize("at", [AFTER, BEFORE, SATURDAY])
@pytest.mark.parametrize("limit", [None, "120.00"])
def test_an_order_outside_of_a_session_waits(
    market: Market, at: datetime, limit: str | None
) -> None:
    set_market(market, at)
    (order,) = market.accept(market.account(), market.request(limit=limit))
    run(market, order.order_id)

    assert rows(market, "SELECT status, reason, held, awaits_opening, rings FROM orders") == [
        ("received", "AWAITS_OPENING", True, True, 0)
    ]
    assert rows(market, "SELECT status, reason FROM order_events ORDER BY id") == [
        ("received", None),
        ("received", "AWAITS_OPENING"),
    ]
    assert market.application.intake.store.waiting() == {}
    assert_invariants(market)


def test_it_is_decided_at_the_next_opening_and_lasts_to_the_close_of_that_session(
    market: Market,
) -> None:
    user = market.account()
    taken, resting = market.accept(user, market.request(), market.request(limit="90.00"))
    run(market, taken.order_id, resting.order_id)
    sweep(market.application)
    run(market, taken.order_id, resting.order_id)
    assert market.statuses() == {taken.order_id: "received", resting.order_id: "received"}

    set_market(market, NEXT_OPENING)
    sweep(market.application)
    run(market, taken.order_id)

    assert market.statuses() == {taken.order_id: "filled", resting.order_id: "working"}
    closes = datetime(2026, 11, 25, 10, 10, tzinfo=UTC)
    assert rows(market, "SELECT DISTINCT valid_until, awaits_opening FROM orders") == [
        (closes, False)
    ]
    assert_invariants(market)


def test_an_order_that_waits_can_be_canceled(market: Market) -> None:
    user = market.account()
    (order,) = market.accept(user, market.request())
    run(market, order.order_id)

    market.application.trading.cancellation.cancel(user, order.order_id)
    set_market(market, NEXT_OPENING)
    sweep(market.application)

    assert market.statuses() == {order.order_id: "canceled"}
    assert_invariants(market)


def test_an_immediate_order_is_denied(market: Market) -> None:
    request = market.request(validity=Validity.IOC)
    (order,) = market.accept(market.account(), request)
    run(market, order.order_id)

    assert rows(market, "SELECT status, reason FROM orders") == [("denied", "MARKET_CLOSED")]


def test_an_account_chooses_how_long_an_order_may_wait(market: Market) -> None:
    patient, hasty = market.account("patient"), market.account("hasty")
    put = market.application.people.limits.put
    # The next opening is 41 hours and 34 minutes ahead.
    put(patient, {"max_wait_hours": 42}, "test")
    put(hasty, {"max_wait_hours": 41}, "test")
    (kept,) = market.accept(patient, market.request())
    (denied,) = market.accept(hasty, market.request())
    run(market, kept.order_id, denied.order_id)

    assert market.statuses() == {kept.order_id: "received", denied.order_id: "denied"}
    assert rows(market, f"SELECT reason FROM orders WHERE id = {denied.order_id}") == [
        ("MARKET_CLOSED",)
    ]


@pytest.mark.parametrize(("at", "is_late"), [(AFTER, True), (BEFORE, False), (SATURDAY, False)])
def test_an_intraday_order_is_refused_from_the_cut_off_to_the_end_of_the_day(
    market: Market, at: datetime, *, is_late: bool
) -> None:
    set_market(market, at)
    request = replace(market.request(), product=Product.INTRADAY)
    check = market.application.intake.order_check.check

    if is_late:
        with pytest.raises(InvalidOrder, match="must be NRML"):
            check([request])
    else:
        check([request])


def test_what_rests_does_not_trade_until_the_next_session(market: Market) -> None:
    set_market(market, OPEN)
    user = market.account()
    market.accept(user, market.request(Side.BUY))
    (resting,) = market.accept(user, market.request(limit="90.00"))
    run(market, resting.order_id)
    market.quote(market.symbols[0], "80.00", "80.05")
    set_market(market, BEFORE)

    assert market.application.trading.matching.run() == 0
    assert market.statuses()[resting.order_id] == "working"

    set_market(market, OPEN)
    assert market.application.trading.matching.run() == 1
    assert_invariants(market)


def test_a_square_off_waits_for_the_session(market: Market) -> None:
    set_market(market, OPEN)
    user = market.account()
    (bought,) = market.accept(user, market.request())
    run(market, bought.order_id)
    set_market(market, BEFORE)
    square_off = market.application.workflows.square_off
    workflow, _ = square_off.start(user, OrderSelection(), key="flat", actor="test")

    market.application.workflows.advance.run(workflow.id)
    assert rows(market, "SELECT count(*) FROM orders") == [(1,)]

    set_market(market, OPEN)
    make_due = "UPDATE workflows SET due_at = clock_timestamp()"
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(make_due)
    market.application.workflows.advance.run(workflow.id)
    assert rows(market, "SELECT status FROM workflows") == [("done",)]
    assert_invariants(market)
