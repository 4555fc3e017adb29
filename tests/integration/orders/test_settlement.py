"""Expired positions on real servers: settled at the index, once, with margin, trades and ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from time import monotonic
from typing import Any

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.book.control import OrderSelection
from angel_x.domain.book.settlement import Expiry, PriceSource, SettlementPrice
from angel_x.domain.orders.order import Product, Side
from angel_x.errors import InvalidInput, SettlementRefused
from angel_x.services.trading.settlement import SettlementReport
from tests.builders.markets import standing_market
from tests.builders.orders import Market, contracts

CLOSE = Decimal("24100.00")


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def expiry_of(market: Market) -> tuple[Expiry, datetime]:
    contract = contracts(market.application)[0]
    return Expiry("NIFTY", contract.expiry), contract.expires_at


def set_market(market: Market, at: datetime) -> None:
    application = market.application
    application.market.feed_ports.beacon.show(standing_market(at, application.base.clock()))
    application.base.market_clock._read_at = datetime.min.replace(tzinfo=UTC)


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def trade(market: Market, user: int, side: Side, symbol: str, quantity: int = 65) -> None:
    request = market.request(side, symbol, quantity=quantity)
    (accepted,) = market.accept(user, request)
    market.application.trading.execution.run([accepted.order_id])


def price(
    expiry: Expiry, value: str, source: PriceSource = PriceSource.OPERATOR
) -> SettlementPrice:
    return SettlementPrice(expiry=expiry, price=Decimal(value), source=source, actor="test")


def settle(market: Market) -> SettlementReport:
    return market.application.trading.settlement.run()


def held(market: Market) -> tuple[int, int, datetime, Expiry]:
    """Open a long call, a short call and a short put of two accounts, all of one expiry."""
    expiry, closes_at = expiry_of(market)
    call, put = market.symbols[0], market.symbols[1]
    long, short = market.account("long"), market.account("short")
    set_market(market, closes_at - timedelta(hours=2))
    trade(market, long, Side.BUY, call)
    trade(market, short, Side.SELL, call, 130)
    trade(market, short, Side.SELL, put)
    return long, short, closes_at, expiry


def test_everything_is_settled_once_at_the_closing_value_of_the_feed(market: Market) -> None:
    long, short, closes_at, expiry = held(market)
    assert settle(market) == SettlementReport(positions=0, accounts=0, waiting=())
    set_market(market, closes_at)
    market.spot(CLOSE)

    report = settle(market)

    assert report == SettlementReport(positions=3, accounts=2, waiting=())
    assert settle(market) == SettlementReport(positions=0, accounts=0, waiting=())
    # The strike of the call is 23,900: 200 rupees of intrinsic value.  The call cost 100.50, and was
    # sold at 100.00; the tax of an exercise is 0.15 % of 13,000 rupees.
    assert rows(
        market,
        "SELECT user_id, quantity, index_price, price, realised_pnl, charges FROM settlements "
        "ORDER BY user_id, quantity",
    ) == [
        (long, 65, CLOSE, Decimal(200), Decimal("6467.50"), Decimal("19.50")),
        (short, -130, CLOSE, Decimal(200), Decimal(-13_000), Decimal(0)),
        (short, -65, CLOSE, Decimal(0), Decimal(6_500), Decimal(0)),
    ]
    assert rows(market, "SELECT sum(margin_used), sum(debit) FROM users") == [(0, 0)]
    assert rows(market, "SELECT count(*) FROM positions WHERE status = 'OPEN'") == [(0,)]
    assert rows(market, "SELECT exit_price FROM trades ORDER BY id") == [(200,), (200,), (0,)]
    assert rows(
        market, "SELECT actor, action, subject FROM audit_entries WHERE action LIKE 'settlement%%'"
    ) == [
        ("feed", "settlement_price.added", f"expiry:NIFTY:{expiry.day}"),
        ("settlement", "settlement_price.fixed", f"expiry:NIFTY:{expiry.day}"),
    ]
    market.assert_invariants()


def test_without_a_closing_value_a_position_waits_and_equity_is_provisional(market: Market) -> None:
    long, _, closes_at, expiry = held(market)
    portfolios = market.application.analytics.portfolios
    market.spot(CLOSE)
    set_market(market, closes_at - timedelta(minutes=5))
    settle(market)
    set_market(market, closes_at + timedelta(days=3))
    market.spot(Decimal(0))

    assert settle(market).waiting == (str(expiry),)
    assert market.application.trading.settlement.waiting() == 1

    [valued] = portfolios.update([long])
    assert (valued.provisional_positions, valued.stale_positions) == (1, 0)
    assert valued.unrealised_pnl == Decimal("6467.50")
    [position] = portfolios.marked(market.application.people.reading.positions(long))
    assert (position.average_price, position.mark) == (Decimal("100.5000"), Decimal(200))
    assert (position.unrealised_pnl, position.provisional) == (Decimal("6467.50"), True)

    market.application.trading.settlement.add_prices([price(expiry, "24100")])
    assert settle(market).positions == 3
    [valued] = portfolios.update([long])
    assert (valued.provisional_positions, valued.unrealised_pnl) == (0, Decimal(0))
    market.assert_invariants()


def test_expired_positions_that_wait_are_marked_at_what_they_owe(market: Market) -> None:
    _, short, closes_at, _ = held(market)
    set_market(market, closes_at + timedelta(seconds=1))
    market.spot(CLOSE)
    marks = f"SELECT required, unrealised_pnl, exposure FROM margin_marks WHERE user_id = {short}"

    # 130 calls owe 200 rupees each; they and the put were sold at 100.  Risks stand for half a second.
    owed, until = [(26_000, -6_500, 0)], monotonic() + 60
    while rows(market, marks) != owed:
        assert monotonic() < until, rows(market, marks)
        market.application.margin_marking.run()

    assert settle(market).positions == 3
    market.application.margin_marking.run()
    assert rows(market, "SELECT sum(required), sum(unrealised_pnl) FROM margin_marks") == [(0, 0)]
    market.assert_invariants()


def test_the_exchange_comes_before_the_feed_and_the_feed_before_an_operator(market: Market) -> None:
    _, _, closes_at, expiry = held(market)
    settlement = market.application.trading.settlement
    set_market(market, closes_at)
    market.spot(CLOSE)
    settlement.add_prices([price(expiry, "24000")])
    settlement.add_prices([price(expiry, "24150", PriceSource.EXCHANGE)])

    assert settle(market).positions == 3

    assert rows(market, "SELECT DISTINCT index_price FROM settlements") == [(Decimal("24150.00"),)]
    settlement.add_prices([price(expiry, "24150", PriceSource.OPERATOR)])
    with pytest.raises(SettlementRefused, match=r"is settled at 24150\.00, was 24100"):
        settlement.add_prices([price(expiry, "24100", PriceSource.EXCHANGE)])


def test_a_loss_beyond_the_cash_is_a_debit_that_shrinks_with_it(market: Market) -> None:
    _, closes_at = expiry_of(market)
    user = market.account("poor", "400000")
    set_market(market, closes_at - timedelta(hours=2))
    trade(market, user, Side.SELL, market.symbols[0])
    set_market(market, closes_at)
    market.spot(Decimal(34_000))

    settle(market)

    [(cash, used, debit)] = rows(
        market, f"SELECT cash, margin_used, debit FROM users WHERE id = {user}"
    )
    assert (used, debit) == (0, -cash)
    assert debit > Decimal(250_000)
    market.assert_invariants()


def test_a_price_before_the_close_and_one_of_nothing_are_refused(market: Market) -> None:
    _, _, closes_at, expiry = held(market)
    settlement = market.application.trading.settlement
    with pytest.raises(InvalidInput, match="is open until"):
        settlement.add_prices([price(expiry, "24100")])

    set_market(market, closes_at)
    for wrong in ("0", "-1", "24100.005", "NaN", "1e10"):
        with pytest.raises(InvalidInput, match="rupees above zero"):
            settlement.add_prices([price(expiry, wrong)])


def test_a_resting_order_ends_before_its_position_is_settled(market: Market) -> None:
    _, closes_at = expiry_of(market)
    user = market.account()
    set_market(market, closes_at - timedelta(hours=2))
    trade(market, user, Side.BUY, market.symbols[0])
    (resting,) = market.accept(user, market.request(Side.SELL, market.symbols[0], limit="110.00"))
    market.application.trading.execution.run([resting.order_id])
    set_market(market, closes_at)

    assert settle(market).positions == 1

    assert market.statuses()[resting.order_id] == "expired"
    market.assert_invariants()


def test_an_expired_position_is_left_to_its_settlement_by_square_offs(market: Market) -> None:
    _, short, closes_at, _ = held(market)
    application = market.application
    set_market(market, closes_at + timedelta(days=1, hours=-1))

    workflow, _ = application.workflows.square_off.start(
        short, OrderSelection(), key="out", actor="test"
    )
    application.workflows.advance.run(workflow.id)

    record = application.workflows.square_off.read(short, workflow.id)
    assert (record.flat, record.status, record.legs) == (False, "done", ())
    assert {(left.quantity, left.reason) for left in record.left} == {
        (-130, "CONTRACT_EXPIRED"),
        (-65, "CONTRACT_EXPIRED"),
    }


def test_an_intraday_position_that_has_expired_starts_no_square_off(market: Market) -> None:
    _, closes_at = expiry_of(market)
    user = market.account()
    set_market(market, closes_at - timedelta(hours=2))
    request = replace(market.request(symbol=market.symbols[0]), product=Product.INTRADAY)
    (accepted,) = market.accept(user, request)
    market.application.trading.execution.run([accepted.order_id])
    assert market.application.controls.holdings.intraday_accounts("mis") == [(user, 0)]

    set_market(market, closes_at)

    assert market.application.controls.holdings.intraday_accounts("mis") == []
