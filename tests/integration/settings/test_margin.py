"""Accounts marked to the market: their margin, their losses, and what follows from a shortfall."""

from __future__ import annotations

from decimal import Decimal
from time import monotonic
from typing import Any

import numpy as np
import pytest

from angel_x.bootstrap import Application
from angel_x.domain.book.portfolio_stop import StopKind
from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.margin.risk_arrays import MARK_ROW
from angel_x.domain.margin.unit_risk import STEPS
from angel_x.domain.orders.order import Side
from tests.builders.orders import Market
from tests.builders.risk import model_columns
from tests.integration.settings.conftest import Build

LOT = 65


def move(market: Market, spot: str) -> None:
    """Publish spot, quotes and risk arrays of a market at a spot."""
    application = market.application
    universe, now = application.market.universes.current(), application.base.clock()
    columns = model_columns(universe, at=now.timestamp(), spot=float(spot))
    market.spot(Decimal(spot))
    for name, mark in zip(universe.symbols, columns[MARK_ROW].tolist(), strict=True):
        bid = max(Decimal(round(mark * 20)) / 20, Decimal("0.10"))
        market.quote(name, str(bid), str(bid + Decimal("0.05")))
    application.market.risk_board.write(universe, 0, columns, epoch_ms(now))
    # Risks that were read stand for half a second.
    shown, until = np.rint(columns[MARK_ROW].astype(np.float64) * STEPS), monotonic() + 60
    while True:
        sheet = application.orders.risks(universe.symbols)
        if (np.array([sheet[name].mark for name in universe.symbols]) == shown).all():
            return
        assert monotonic() < until, "the risks never came"


def trade(
    market: Market, user: int, side: Side, name: str, lots: int = 1
) -> tuple[str, str | None]:
    """Return status and reason of an order at market."""
    (symbol,) = (s for s in market.symbols if s.endswith(name))
    (accepted,) = market.accept(user, market.request(side, symbol, quantity=lots * LOT))
    market.application.trading.execution.run([accepted.order_id])
    ((status, reason),) = rows(
        market, f"SELECT status, reason FROM orders WHERE id = {accepted.order_id}"
    )
    return status, reason


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def straddled(application: Application, cash: str = "400000") -> tuple[Market, int]:
    market = Market.open(application)
    move(market, "24000")
    user = market.account(cash=cash)
    for name in ("24000CE", "24000PE"):
        assert trade(market, user, Side.SELL, name) == ("filled", None)
    return market, user


@pytest.mark.parametrize("grace", [0, 1])
def test_an_account_that_is_short_only_reduces_and_is_closed_after_margin_grace_seconds(
    built: Build, grace: int
) -> None:
    market, user = straddled(built(MARGIN_GRACE_SECONDS=grace), "300000")
    marking, balances = market.application.margin_marking, market.application.trading.balances
    free, held = balances.of(user).free_balance, balances.of(user).held["NIFTY"]

    move(market, "25440")

    assert trade(market, user, Side.SELL, "24100CE") == ("denied", "INSUFFICIENT_MARGIN")
    assert marking.run() == 1
    balance = balances.of(user)
    assert held < balance.held["NIFTY"] <= balance.cash
    assert balance.free_balance < 0 < free
    assert balance.shortfall == -balance.free_balance
    assert rows(market, "SELECT shortfall FROM margin_marks") == [(balance.shortfall,)]
    assert trade(market, user, Side.BUY, "24100CE")[0] == "denied"
    assert trade(market, user, Side.BUY, "24000PE") == ("filled", None)
    market.assert_invariants()
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE margin_marks SET short_since = now() - interval '5 seconds'"
        )
    marking.run()
    marking.run()
    actions = [action for (action,) in rows(market, "SELECT action FROM audit_entries ORDER BY id")]
    expected = ["margin.short"] + (["margin.squared_off"] if grace else [])
    assert [a for a in actions if a.startswith("margin.")] == expected


@pytest.mark.parametrize("squares_off", [False, True])
def test_an_open_loss_counts_and_daily_loss_square_off_closes_the_account_once(
    built: Build, *, squares_off: bool
) -> None:
    application = built(DAILY_LOSS_SQUARE_OFF=squares_off)
    market, user = straddled(application, "10000000")
    application.people.limits.put(user, {"max_daily_loss": 20_000}, "test")
    assert trade(market, user, Side.BUY, "23900PE") == ("filled", None)

    move(market, "25440")

    assert trade(market, user, Side.BUY, "23900PE") == ("denied", "DAILY_LOSS")
    assert trade(market, user, Side.SELL, "23900PE") == ("filled", None), "it closes"
    application.margin_marking.run()
    application.margin_marking.run()
    started = rows(market, "SELECT key, user_id FROM workflows")
    assert len(started) == squares_off
    audited = rows(market, "SELECT 1 FROM audit_entries WHERE action = 'margin.squared_off'")
    assert len(audited) == squares_off


def test_a_loss_of_yesterday_is_no_loss_of_today(built: Build) -> None:
    application = built()
    market, user = straddled(application, "10000000")
    move(market, "25440")
    application.margin_marking.run()
    application.people.limits.put(user, {"max_daily_loss": 20_000}, "test")
    with application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE margin_marks SET market_day = market_day - 1; UPDATE users SET pnl_day = pnl_day - 1"
        )

    assert trade(market, user, Side.BUY, "24100CE") == ("filled", None)
    application.margin_marking.run()

    ((opening, unrealised),) = rows(market, "SELECT opening_pnl, unrealised_pnl FROM margin_marks")
    assert opening < -50_000
    assert abs(unrealised - opening) < 1_000
    assert trade(market, user, Side.BUY, "24100CE") == ("filled", None)


@pytest.mark.parametrize("squares_off", [0, 1])
def test_a_breached_portfolio_stop_lets_only_reduce_and_squares_off_once_if_asked(
    built: Build, squares_off: int
) -> None:
    application = built()
    market, user = straddled(application, "10000000")
    limits, marking = application.people.limits, application.margin_marking
    limits.put(user, {"trailing_stop": 30_000, "stop_square_off": squares_off}, "test")
    marking.run()
    armed = limits.sheet(user).stop
    assert armed is not None
    assert armed.peak == armed.result == 0
    # What a spot of 24,100 loses is far less than the stop.
    move(market, "24100")
    marking.run()
    assert trade(market, user, Side.BUY, "23900PE") == ("filled", None)

    move(market, "25440")
    for _ in range(3):
        # The largest profit and the breach are rows, so another process goes on with them.
        application.margin_marking.run()

    stop = limits.sheet(user).stop
    assert stop is not None
    assert (stop.breached, stop.is_enforced, stop.armed_at) == (
        StopKind.TRAILING,
        True,
        armed.armed_at,
    )
    assert stop.peak - stop.result >= 30_000
    assert trade(market, user, Side.BUY, "23900PE") == ("denied", "REDUCING_ONLY")
    assert trade(market, user, Side.BUY, "24000PE") == ("filled", None), "it closes"
    assert len(rows(market, "SELECT 1 FROM workflows")) == squares_off
    audited = rows(
        market,
        "SELECT action FROM audit_entries WHERE actor = 'portfolio stop' AND "
        "action IN ('portfolio_stop.armed', 'portfolio_stop.breached', 'trading_state.set') ORDER BY id",
    )
    assert [action for (action,) in audited] == [
        "portfolio_stop.armed",
        "portfolio_stop.breached",
        "trading_state.set",
    ]
    limits.clear(user, ["trailing_stop"], "test")
    marking.run()
    assert limits.sheet(user).stop is None
    market.assert_invariants()


def test_marking_is_due_after_margin_mark_seconds_and_margin_mark_move_percent(
    built: Build,
) -> None:
    slow = built(MARGIN_MARK_SECONDS=3600, MARGIN_MARK_MOVE_PERCENT=1)
    market, _ = straddled(slow)
    assert [slow.margin_marking.run_if_due() for _ in range(2)] == [1, 0]
    move(market, "24230")
    assert slow.margin_marking.run_if_due() == 0
    move(market, "24250")
    assert slow.margin_marking.run_if_due() == 1

    sensitive = built(MARGIN_MARK_SECONDS=3600, MARGIN_MARK_MOVE_PERCENT=0.1)
    move(market, "24280")
    assert sensitive.margin_marking.run_if_due() == 1


def test_a_short_is_collected_for_its_day_of_expiry(built: Build) -> None:
    market, user = straddled(built())
    symbol = next(s for s in market.symbols if s.endswith("24000CE"))
    sheet = market.application.orders.risks([symbol])
    with market.application.base.engine.begin() as connection:
        # As it was held the day before, when the spot was lower.
        connection.exec_driver_sql("UPDATE margins SET margin = margin - 50000")
        connection.exec_driver_sql("UPDATE users SET margin_used = margin_used - 50000")

    market.application.margin_marking.run()

    balance = market.application.trading.balances.of(user)
    assert balance.margin_used == balance.required == balance.underlyings["NIFTY"].required
    assert sheet[symbol].expiry_day == 0
    market.assert_invariants()
