"""Intraday orders and positions around the cut-off, on real servers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import OrderRequest, Product, Side
from angel_x.errors import InvalidOrder
from tests.builders.markets import standing_market
from tests.builders.orders import Market

#: A Monday on which the market closes at 15:40 in India.
BEFORE = datetime(2026, 11, 23, 9, 49, tzinfo=UTC)
AFTER = datetime(2026, 11, 23, 9, 51, tzinfo=UTC)
CLOSED = datetime(2026, 11, 23, 10, 11, tzinfo=UTC)
HOLIDAY = datetime(2026, 11, 24, 9, 51, tzinfo=UTC)


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def set_market(market: Market, at: datetime) -> None:
    application = market.application
    application.market.feed_ports.beacon.show(standing_market(at, application.base.clock()))
    application.base.market_clock._read_at = datetime.min.replace(tzinfo=UTC)
    assert application.base.market_clock() == at


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def intraday(market: Market, limit: str | None = None, side: Side = Side.BUY) -> OrderRequest:
    return replace(market.request(side, limit=limit), product=Product.INTRADAY)


def place(market: Market, user: int, request: OrderRequest) -> int:
    (accepted,) = market.accept(user, request)
    market.application.trading.execution.run([accepted.order_id])
    return accepted.order_id


def close(market: Market) -> int:
    started = market.application.workflows.intraday_close.run()
    for (workflow_id,) in rows(market, "SELECT id FROM workflows WHERE status = 'running'"):
        market.application.workflows.advance.run(workflow_id)
    return started


def test_intraday_positions_are_closed_at_the_cut_off_and_others_are_not(market: Market) -> None:
    user = market.account()
    set_market(market, BEFORE)
    place(market, user, intraday(market, side=Side.SELL))
    place(market, user, market.request(symbol=market.symbols[1]))
    resting = place(market, user, intraday(market, "80.00"))
    assert close(market) == 0

    set_market(market, AFTER)
    assert close(market) == 1

    assert rows(
        market, "SELECT symbol, product, quantity FROM positions WHERE status = 'OPEN'"
    ) == [(market.symbols[1], "NRML", 65)]
    assert rows(market, f"SELECT status, reason FROM orders WHERE id = {resting}") == [
        ("canceled", CancelReason.INTRADAY_CUTOFF)
    ]
    assert rows(market, "SELECT key, status FROM workflows") == [("mis 2026-11-23", "done")]
    market.assert_invariants()


def test_a_second_look_starts_nothing_more(market: Market) -> None:
    user = market.account()
    set_market(market, AFTER)
    place(market, user, intraday(market))

    assert close(market) == 1
    assert close(market) == 0
    assert rows(market, "SELECT count(*) FROM workflows") == [(1,)]


def test_what_slipped_in_behind_the_square_off_gets_another_one(market: Market) -> None:
    user = market.account()
    set_market(market, AFTER)
    place(market, user, intraday(market))
    close(market)
    place(market, user, intraday(market))

    assert close(market) == 1

    assert rows(market, "SELECT key FROM workflows ORDER BY id") == [
        ("mis 2026-11-23",),
        ("mis 2026-11-23 2",),
    ]
    assert rows(market, "SELECT count(*) FROM positions WHERE status = 'OPEN'") == [(0,)]


@pytest.mark.parametrize("at", [BEFORE, CLOSED, HOLIDAY])
def test_nothing_is_closed_outside_of_the_last_minutes_of_a_session(
    market: Market, at: datetime
) -> None:
    user = market.account()
    place(market, user, intraday(market))
    set_market(market, at)

    assert close(market) == 0
    assert rows(market, "SELECT count(*) FROM workflows") == [(0,)]


def test_after_the_cut_off_an_intraday_order_is_refused_with_its_product(market: Market) -> None:
    set_market(market, AFTER)

    with pytest.raises(InvalidOrder) as caught:
        market.application.intake.order_check.check((intraday(market),))

    (fault,) = caught.value.faults
    assert (fault.index, fault.field, fault.value) == (0, "product", "MIS")
    market.application.intake.order_check.check((market.request(),))


@pytest.mark.parametrize("at", [BEFORE, CLOSED])
def test_an_intraday_order_for_a_session_to_come_is_accepted(market: Market, at: datetime) -> None:
    set_market(market, at)

    market.application.intake.order_check.check((intraday(market),))


def test_a_day_order_before_a_holiday_lasts_to_the_close_of_the_trading_day_after(
    market: Market,
) -> None:
    user = market.account()
    set_market(market, CLOSED)
    resting = place(market, user, market.request(limit="80.00"))

    set_market(market, datetime(2026, 11, 25, 10, 9, tzinfo=UTC))
    assert market.application.trading.expiry.run() == 0
    set_market(market, datetime(2026, 11, 25, 10, 10, tzinfo=UTC))
    assert market.application.trading.expiry.run() == 1

    assert rows(market, f"SELECT status, reason FROM orders WHERE id = {resting}") == [
        ("expired", CancelReason.VALIDITY_ENDED)
    ]
