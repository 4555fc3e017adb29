"""The life of a future on real servers: bought, marked, margined beside options, and settled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from angel_x.adapters.opening_files import read_openings
from angel_x.bootstrap import Application
from angel_x.domain.calendar.session import IST
from angel_x.domain.orders.order import Side
from angel_x.domain.portfolios.pnl import PnlGroup
from angel_x.domain.values.money import ZERO
from angel_x.errors import InvalidOpenings
from tests.builders.markets import standing_market
from tests.builders.orders import Market, contracts

CASH = Decimal(10_000_000)
#: 9.3 % of the spot of 24,000, and 2 % of the middle of the quote, for 65 units.
MARGIN = Decimal("176410.07")


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def trade(market: Market, user: int, side: Side, symbol: str) -> None:
    (accepted,) = market.accept(user, market.request(side, symbol))
    market.application.trading.execution.run([accepted.order_id])


def row(market: Market, query: str) -> tuple[Any, ...]:
    with market.application.base.engine.connect() as connection:
        return tuple(connection.exec_driver_sql(query).one())


def set_market(market: Market, at: datetime) -> None:
    application = market.application
    application.market.feed_ports.beacon.show(standing_market(at, application.base.clock()))
    application.base.market_clock._read_at = datetime.min.replace(tzinfo=UTC)


def test_a_future_is_bought_marked_and_settled_at_the_index(market: Market) -> None:
    future, application = market.list_future("24100.00", "24100.10"), market.application
    closes_at = contracts(application)[0].expires_at
    set_market(market, closes_at - timedelta(hours=2))
    long, short = market.account("long"), market.account("short")

    trade(market, long, Side.BUY, future)
    trade(market, short, Side.SELL, future)

    held = row(market, f"SELECT cash, margin_used FROM users WHERE id = {long}")
    charges = CASH - held[0]
    assert 0 < charges < 100
    assert held[1] == MARGIN
    market.assert_invariants()

    market.quote(future, "24149.90", "24150.10")
    [valued] = application.analytics.portfolios.update([long])
    assert valued.unrealised_pnl == Decimal("49.90") * 65
    assert valued.equity == CASH - charges + Decimal("49.90") * 65
    assert valued.greeks["NIFTY"].delta == 65
    # 2 % of 24,150 now.  Risks stand for half a second.
    marks = (
        f"SELECT required, unrealised_pnl, option_value FROM margin_marks WHERE user_id = {short}"
    )
    until = monotonic() + 60
    application.margin_marking.run()
    while row(market, marks) != (Decimal(65 * (2_232 + 483)), Decimal(-50) * 65, 0):
        assert monotonic() < until, row(market, marks)
        application.margin_marking.run()

    set_market(market, closes_at)
    market.spot(Decimal("24120.35"))
    assert application.trading.settlement.run().positions == 2

    settled = "SELECT quantity, price, realised_pnl, charges FROM settlements WHERE user_id = "
    profit = Decimal("20.25") * 65
    assert row(market, f"{settled}{long}") == (65, Decimal("24120.35"), profit, ZERO)
    assert row(market, f"SELECT cash, margin_used, debit FROM users WHERE id = {long}") == (
        CASH - charges + profit,
        0,
        0,
    )
    assert row(market, "SELECT count(*) FROM positions WHERE status = 'OPEN'") == (0,)
    market.assert_invariants()


def test_the_note_of_a_day_has_the_profit_of_futures_and_no_premium(market: Market) -> None:
    future, people = market.list_future("24100.00", "24100.10"), market.application.people
    user = market.account()
    trade(market, user, Side.BUY, future)
    market.quote(future, "24149.90", "24150.00")
    trade(market, user, Side.SELL, future)

    note = people.notes.of(user, market.application.base.market_clock().astimezone(IST).date())

    assert (note.premium_bought, note.premium_sold) == (ZERO, ZERO)
    assert note.futures_profit == Decimal("49.80") * 65
    assert note.charges.total == note.booked_charges > 800
    assert note.net_amount == note.futures_profit - note.charges.total
    [account] = [each for each in people.accounts.all() if each.id == user]
    assert account.cash == CASH + note.net_amount
    assert account.margin_used == 0
    market.assert_invariants()


def test_an_imported_future_has_margin_and_its_open_result_and_no_ledger_entry(
    market: Market, tmp_path: Path
) -> None:
    future, application = market.list_future("24100.00", "24100.10"), market.application
    set_market(market, contracts(application)[0].expires_at - timedelta(hours=2))
    user, path = market.account(), tmp_path / "book.csv"
    path.write_text(f"symbol,product,quantity,average_price\n{future},NRML,65,24000.05\n")

    found = application.trading.openings.load(user, read_openings(path), path.name, "cli:me")

    assert (Decimal(found.cash), Decimal(found.margin_used)) == (CASH, MARGIN)
    market.assert_invariants()
    assert application.operations.rebuild.check().ok
    trade(market, user, Side.SELL, future)
    (realised,) = row(market, f"SELECT realised_pnl FROM users WHERE id = {user}")
    # Sold at the bid of 24,100.00.
    assert realised == 65 * Decimal("99.95")
    cash, margin = row(market, f"SELECT cash, margin_used FROM users WHERE id = {user}")
    assert CASH + realised - 1000 < cash < CASH + realised
    assert margin == 0
    market.assert_invariants()
    assert application.operations.rebuild.check().ok
    assert application.people.profit.of(user, PnlGroup.UNDERLYING).total.realised_fifo == realised


def test_a_future_without_a_price_is_not_imported(market: Market, tmp_path: Path) -> None:
    future, application = market.list_future("24100.00", "24100.10"), market.application
    user, path = market.account(), tmp_path / "book.csv"
    path.write_text(f"symbol,product,quantity,average_price\n{future},NRML,65,24000.05\n")
    application.base.cache.flushall()

    with pytest.raises(InvalidOpenings, match="NIFTY must have a price for the margin"):
        application.trading.openings.load(user, read_openings(path), path.name, "cli:me")
