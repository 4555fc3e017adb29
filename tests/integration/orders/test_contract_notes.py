"""Contract notes and the ledger of trades on real servers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.calendar.session import IST
from angel_x.domain.orders.order import Side
from angel_x.domain.portfolios.pnl import PnlGroup
from angel_x.domain.records.statement import FillRecord, LedgerRecord, Period, TradeRecord
from angel_x.domain.values.money import ZERO
from angel_x.entrypoints.presentation.contract_note import note_page
from angel_x.errors import InvalidCursor, UnknownDay
from tests.builders.orders import Market


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def trade(market: Market, user: int, side: Side, lots: int = 1) -> None:
    (accepted,) = market.accept(user, market.request(side, quantity=65 * lots))
    market.application.trading.execution.run([accepted.order_id])


def today(market: Market) -> date:
    return market.application.base.market_clock().astimezone(IST).date()


def test_a_note_has_every_charge_of_the_day_and_agrees_with_the_ledger(market: Market) -> None:
    user, people = market.account(), market.application.people
    trade(market, user, Side.BUY, 2)
    trade(market, user, Side.SELL)

    note = people.notes.of(user, today(market))

    bought, sold = note.orders
    assert (bought.quantity, bought.value) == (130, Decimal("13065.00"))
    assert (bought.charges.stamp, bought.charges.stt) == (Decimal("0.39"), ZERO)
    assert (sold.charges.stamp, sold.charges.stt) == (ZERO, Decimal("9.75"))
    assert note.charges.total == note.booked_charges > 40
    assert note.net_amount == Decimal("6500.00") - Decimal("13065.00") - note.charges.total
    [account] = [each for each in people.accounts.all() if each.id == user]
    assert account.cash == Decimal(10_000_000) + note.net_amount
    page = note_page(note)
    assert "Contract note" in page
    assert str(note.net_amount) in page


def test_a_day_without_trades_has_an_empty_note_and_one_before_the_rates_has_none(
    market: Market,
) -> None:
    user, notes = market.account(), market.application.people.notes
    assert notes.of(user, date(2026, 1, 5)).charges.total == 0
    trade(market, user, Side.BUY)
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            "ALTER TABLE fills DISABLE TRIGGER fills_only_grow; "
            "UPDATE fills SET trade_date = '2020-01-06'; "
            "ALTER TABLE fills ENABLE TRIGGER fills_only_grow"
        )

    with pytest.raises(UnknownDay, match="2020-01-06"):
        notes.of(user, date(2020, 1, 6))


@pytest.mark.parametrize("limit", [1, 3])
def test_pages_show_every_ledger_entry_trade_and_fill_once(market: Market, limit: int) -> None:
    user, reading = market.account(), market.application.people.reading
    for side in (Side.BUY, Side.SELL, Side.BUY, Side.SELL):
        trade(market, user, side)

    entries: list[LedgerRecord] = []
    trades: list[TradeRecord] = []
    after: str | None = None
    while True:
        page = reading.ledger(user, Period(), after=after, limit=limit)
        entries += page.entries
        if (after := page.next) is None:
            break
    while True:
        found = reading.trades(user, Period(), after=after, limit=limit)
        trades += found.trades
        if (after := found.next) is None:
            break

    fills: list[FillRecord] = []
    while True:
        filled = reading.fills(user, Period(), after=after, limit=limit)
        fills += filled.fills
        if (after := filled.next) is None:
            break

    assert [(f.side, f.price) for f in fills] == [
        (Side.SELL, Decimal("100.00")),
        (Side.BUY, Decimal("100.50")),
    ] * 2
    assert len({f.execution_id for f in fills}) == 4
    newest = fills[0].at
    assert reading.fills(user, Period(since=newest), after=None, limit=9).fills == (fills[0],)
    assert len(reading.fills(user, Period(until=newest), after=None, limit=9).fills) == 3
    assert entries == list(reading.ledger(user, Period(), after=None, limit=1000).entries)
    assert len(entries) == 2 + 2 * 3 + 2 * 4
    assert sum(entry.amount for entry in entries) == 0
    assert [entry.at for entry in entries] == sorted((e.at for e in entries), reverse=True)
    assert len({t.id for t in trades}) == len(trades) == 2
    middle = trades[0].closed_at
    assert len(reading.trades(user, Period(since=middle), after=None, limit=9).trades) == 1
    assert len(reading.trades(user, Period(until=middle), after=None, limit=9).trades) == 1


@pytest.mark.parametrize("cursor", ["x", "YmVmb3JlOjE", "cGxhY2V8MjAyNg"])
def test_a_cursor_of_nowhere_is_refused(market: Market, cursor: str) -> None:
    reading = market.application.people.reading

    with pytest.raises(InvalidCursor):
        reading.ledger(1, Period(), after=cursor, limit=1)
    with pytest.raises(InvalidCursor):
        reading.trades(1, Period(), after=cursor, limit=1)
    with pytest.raises(InvalidCursor):
        reading.fills(1, Period(), after=cursor, limit=1)


def test_pnl_and_the_rebuilt_account_are_what_is_stored(market: Market) -> None:
    user, application = market.account(), market.application
    for side, lots in ((Side.BUY, 3), (Side.SELL, 1), (Side.SELL, 4), (Side.BUY, 1)):
        trade(market, user, side, lots)
    [account] = application.people.accounts.all()

    found = application.people.profit.of(user, PnlGroup.DAY)

    assert found.total.realised_average_cost == account.realised_pnl
    assert found.total.charges == application.people.notes.of(user, today(market)).charges.total
    diagnosis = application.operations.rebuild.check()
    assert (diagnosis.ok, diagnosis.checks[0].detail) == (
        True,
        "4 moves and 1 positions agree",
    )
    with application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE positions SET cost = cost - 0.01 WHERE status = 'OPEN'")
    diagnosis = application.operations.rebuild.check()
    assert (diagnosis.ok, diagnosis.checks[0].status) == (False, "failed")
