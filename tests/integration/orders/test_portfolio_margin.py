"""Margin of whole books from published risk arrays, as the order path takes it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from angel_x.adapters.risk_files import read_risk_file
from angel_x.bootstrap import Application
from angel_x.domain.book.control import ControlScope, OrderSelection
from angel_x.domain.book.risk import TradingState
from angel_x.domain.calendar.session import IST
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.orders.order import OrderRequest, OrderStatus, Side
from angel_x.domain.records.margin_record import MarginEstimate
from angel_x.domain.workflows.basket import BasketRequest, BasketResult
from angel_x.services.trading.amendment_form import AmendmentRequest
from config.market import table
from tests.builders.environs import application_on
from tests.builders.orders import Market
from tests.builders.risk_files import FileOption, risk_file_text

LOT = 65


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def symbol(market: Market, name: str) -> str:
    (found,) = (s for s in market.symbols if s.endswith(name))
    return found


def sell(market: Market, name: str = "24000CE", **wanted: Any) -> OrderRequest:
    return market.request(Side.SELL, symbol(market, name), **wanted)


def buy(market: Market, name: str = "24100CE", **wanted: Any) -> OrderRequest:
    return market.request(Side.BUY, symbol(market, name), **wanted)


def trade(market: Market, user: int, *requests: OrderRequest) -> list[str]:
    """Decide orders one after the other; return their statuses."""
    ids = [accepted.order_id for accepted in market.accept(user, *requests)]
    market.application.trading.execution.run(ids)
    return [market.statuses()[order_id] for order_id in ids]


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def used(market: Market) -> Decimal:
    ((amount,),) = rows(market, "SELECT sum(margin) FROM margins")
    return Decimal(amount or 0)


def estimate(market: Market, user: int, *requests: OrderRequest) -> MarginEstimate:
    return market.application.trading.what_if.estimate(user, requests)


def test_a_hedge_that_is_bought_lowers_what_the_short_holds(market: Market) -> None:
    user = market.account()
    trade(market, user, sell(market))
    naked = used(market)

    trade(market, user, buy(market))

    assert 150_000 < naked < 200_000
    assert used(market) < naked / 3
    assert rows(market, "SELECT underlying FROM margins") == [("NIFTY",)]
    market.assert_invariants()


def test_an_account_that_can_carry_the_spread_alone_cannot_sell_its_hedge(market: Market) -> None:
    user = market.account("hedged", cash="60000")
    assert trade(market, user, buy(market), sell(market)) == ["filled", "filled"]
    held = used(market)

    assert trade(market, user, sell(market, "24100CE")) == ["denied"]

    assert rows(market, "SELECT reason FROM orders ORDER BY id DESC LIMIT 1") == [
        ("INSUFFICIENT_MARGIN",)
    ]
    assert used(market) == held
    market.assert_invariants()


def test_a_resting_sale_of_the_hedge_is_margined_as_if_it_had_traded(market: Market) -> None:
    rich, poor = market.account("rich"), market.account("poor", cash="60000")
    for user in (rich, poor):
        trade(market, user, buy(market), sell(market))
    spread = used(market) / 2

    resting = [
        trade(market, user, sell(market, "24100CE", limit="120.00")) for user in (rich, poor)
    ]

    assert resting == [["working"], ["denied"]]
    assert used(market) > 4 * spread
    market.quote(symbol(market, "24100CE"), "121.00", "121.50")
    before = used(market)
    market.application.trading.matching.run()
    assert used(market) == before
    market.assert_invariants()


def test_a_square_off_gets_out_of_a_spread_that_the_account_could_not_carry_naked(
    market: Market,
) -> None:
    user = market.account("hedged", cash="60000")
    trade(market, user, buy(market), sell(market))

    workflow, _ = market.application.workflows.square_off.start(
        user, OrderSelection(), key="out", actor="test"
    )
    market.application.workflows.advance.run(workflow.id)

    assert market.application.workflows.square_off.read(user, workflow.id).flat
    assert used(market) == 0
    market.assert_invariants()


def test_a_basket_is_margined_as_the_whole_that_it_is(market: Market) -> None:
    user = market.account("condor", cash="150000")
    legs = (sell(market), sell(market, "24000PE"), buy(market), buy(market, "23900PE"))

    market.application.workflows.baskets.submit(user, BasketRequest("condor", legs), "test")
    ((workflow_id,),) = rows(market, "SELECT id FROM workflows")
    market.application.workflows.advance.run(workflow_id)

    assert market.application.workflows.baskets.read(user, "condor").result is BasketResult.FILLED
    assert 0 < used(market) < 150_000
    market.assert_invariants()


def test_what_if_shows_what_the_orders_then_take(market: Market) -> None:
    user = market.account()
    trade(market, user, sell(market, limit="100.00"))
    before = used(market)

    expected = estimate(market, user, buy(market, limit="100.50"))
    trade(market, user, buy(market, limit="100.50"))

    (nifty,) = expected.underlyings
    assert [order.margin_source for order in expected.orders] == [MarginSource.RISK_ARRAY]
    assert (nifty.underlying, nifty.before.held, nifty.after.held) == (
        "NIFTY",
        before,
        used(market),
    )
    assert (nifty.before.required, nifty.after.required) == (before, used(market))
    assert expected.initial_margin == used(market) - before
    assert nifty.hedge_benefit == before - used(market)
    parts = nifty.after.scan + nifty.after.calendar - nifty.after.net_option_value
    assert abs(parts + nifty.after.exposure - nifty.after.required) <= Decimal("0.03")
    assert rows(market, "SELECT count(*) FROM orders") == [(2,)]


def _cancel(market: Market, user: int, order_id: int) -> None:
    market.application.trading.cancellation.cancel(user, order_id)


def _cancel_all(market: Market, user: int, order_id: int) -> None:
    market.application.controls.cancel_all.run(user, OrderSelection(), actor="test")


def _halt(market: Market, user: int, order_id: int) -> None:
    market.application.controls.trading_controls.turn(
        ControlScope.USER, str(user), TradingState.HALTED, actor="test"
    )
    market.application.controls.enforcement.run()


def _shrink(market: Market, user: int, order_id: int) -> None:
    market.application.trading.amending.amend(user, order_id, AmendmentRequest(quantity=2 * LOT))
    market.application.trading.amending.amend(user, order_id, AmendmentRequest(quantity=LOT))
    market.application.trading.cancellation.cancel(user, order_id)


@pytest.mark.parametrize("leave", [_cancel, _cancel_all, _halt, _shrink])
def test_what_is_taken_off_the_market_gives_back_what_it_took(market: Market, leave: Any) -> None:
    user = market.account()
    trade(market, user, buy(market), sell(market))
    spread = used(market)
    (accepted,) = market.accept(user, sell(market, "24000PE", limit="120.00"))
    resting = accepted.order_id
    market.application.trading.execution.run([resting])
    assert used(market) > spread

    leave(market, user, resting)

    assert used(market) == spread
    assert market.statuses()[resting] == "canceled"
    market.assert_invariants()


def test_what_stands_in_the_market_can_be_canceled_without_a_cache(
    market: Market, environ: dict[str, str]
) -> None:
    user = market.account()
    (resting,) = market.accept(user, sell(market, limit="120.00", quantity=3 * LOT))
    (other,) = market.accept(user, sell(market, limit="120.00"))
    market.application.trading.execution.run([resting.order_id, other.order_id])
    held = used(market)
    market.application.market.universes.current()

    with application_on(environ, cache_url="redis://127.0.0.1:9/0") as without:
        without.trading.cancellation.cancel(user, resting.order_id)
        assert used(market) == held, "the requirement of the rest is unknown"

        without.trading.cancellation.cancel(user, other.order_id)
        assert used(market) == 0
    market.assert_invariants()


def test_two_workers_on_one_account_never_promise_the_same_rupee(
    market: Market, environ: dict[str, str]
) -> None:
    user = market.account("busy", cash="420000")
    requests = [
        sell(market, name) for name in ("24000CE", "24000PE", "23900CE", "23900PE", "24100PE") * 4
    ]
    ids = [a.order_id for request in requests for a in market.accept(user, request)]

    def work(application: Application, mine: Iterable[int]) -> None:
        for order_id in mine:
            application.trading.execution.run_exactly([order_id])

    with application_on(environ) as other, ThreadPoolExecutor(2) as pool:
        running = [
            pool.submit(work, market.application, ids[::2]),
            pool.submit(work, other, ids[1::2]),
        ]
        for each in running:
            each.result()

    assert set(market.statuses().values()) == {"filled", "denied"}
    ((cash, margin),) = rows(market, "SELECT cash, margin_used FROM users")
    assert 0 < margin <= cash
    market.assert_invariants()


def test_a_sale_without_a_risk_array_is_denied_with_that_reason_and_one_with_it_trades(
    market: Market,
) -> None:
    market.publish_risk(without=symbol(market, "24000CE"))
    user = market.account()

    assert trade(market, user, buy(market), sell(market), sell(market, "24000PE")) == [
        "filled",
        "denied",
        "filled",
    ]

    assert rows(market, "SELECT DISTINCT reason FROM orders WHERE reason IS NOT NULL") == [
        ("NO_RISK_ARRAY",)
    ]
    expected = estimate(market, user, sell(market), sell(market, "24000PE"))
    assert [(o.margin_source, o.reason) for o in expected.orders] == [
        (MarginSource.NONE, "NO_RISK_ARRAY"),
        (MarginSource.RISK_ARRAY, None),
    ]
    assert not expected.fits


def test_an_order_that_expires_gives_back_what_it_took(market: Market) -> None:
    user = market.account()
    trade(market, user, buy(market), sell(market))
    spread = used(market)
    trade(market, user, sell(market, "24000PE", limit="120.00"))
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE orders SET valid_until = now() - interval '1 minute' WHERE status = 'working'"
        )

    market.application.trading.expiry.run()

    assert used(market) == spread
    assert OrderStatus.EXPIRED in market.statuses().values()
    market.assert_invariants()


def test_an_account_without_money_is_told_what_a_straddle_needs(market: Market) -> None:
    rich, poor = market.account(), market.account("poor", cash="0")
    legs = sell(market, limit="100.00"), sell(market, "24000PE", limit="100.00")

    told, affordable = estimate(market, poor, *legs), estimate(market, rich, *legs)

    assert (told.fits, affordable.fits) == (False, True)
    assert told.initial_margin == affordable.initial_margin > 150_000
    assert told.underlyings == affordable.underlyings
    assert told.premium == affordable.premium == 200 * LOT
    # Sold a quarter of a rupee below their marks.
    assert told.free_balance_after == (
        told.premium - told.charges - told.initial_margin - Decimal("0.50") * LOT
    )


def test_an_estimate_without_orders_is_of_the_book_as_it_is(market: Market) -> None:
    user = market.account()
    trade(market, user, buy(market), sell(market))

    (nifty,) = estimate(market, user).underlyings
    balance = market.application.trading.balances.of(user)

    assert nifty.before == nifty.after == balance.underlyings["NIFTY"]
    assert nifty.after.required == nifty.after.held == used(market)
    assert nifty.after.hedge_benefit > 100_000
    assert estimate(market, market.account("empty")).underlyings == ()


def test_the_balance_says_what_each_underlying_holds(market: Market) -> None:
    user = market.account()
    trade(market, user, sell(market), buy(market, limit="80.00"))

    balance = market.application.trading.balances.of(user)

    assert balance.held == {"NIFTY": used(market)}
    assert balance.margin_used > used(market), "the purchase that rests reserves its premium"


def test_margin_of_a_loaded_risk_file_takes_the_place_of_risk_arrays_until_it_is_dropped(
    market: Market, tmp_path: Path
) -> None:
    application, user = market.application, market.account()
    today = application.base.market_clock().astimezone(IST).date()
    expiry = application.market.universes.current().contracts[0].expiry
    losses = ["0"] * 10 + ["-1500", "-1490", "300", "290", "-1200", "350"]
    option = FileOption("24000", "C", "400", "0.5", losses, expiry=f"{expiry:%Y%m%d}")
    path = tmp_path / "nsccl.spn"
    path.write_text(risk_file_text([option], day=f"{today:%Y%m%d}"))
    files = application.orders.risk_files

    assert files.load(read_risk_file(path), "operator").counts
    sheet = application.orders.risks([symbol(market, "24000CE")])
    assert sheet[symbol(market, "24000CE")].source is MarginSource.RISK_FILE
    assert trade(market, user, sell(market), sell(market, "24000PE")) == ["filled", "denied"]

    # 1500 of scan risk, 400 of option value and 2 % of 24,000.
    assert used(market) == (1_500 + 400 + 480) * LOT
    files.drop("operator")
    market.publish_risk()
    assert trade(market, user, sell(market, "23900PE")) == ["filled"]
    assert rows(market, "SELECT action, actor FROM audit_entries WHERE action ~ 'risk_file'") == [
        ("risk_file.loaded", "operator"),
        ("risk_file.dropped", "operator"),
    ]
    assert rows(market, "SELECT count(content), count(*) FROM risk_files") == [(0, 2)]


def test_a_table_of_volatilities_widens_the_scenarios_and_a_stale_one_denies_sales(
    application: Application, environ: dict[str, str], tmp_path: Path
) -> None:
    today = application.base.market_clock().astimezone(IST).date()

    def estimate_at(percent: str, age_days: int) -> MarginEstimate:
        """Return the estimate of a short call with risk arrays of the Greeks worker."""
        rows = {"NIFTY": [{"from": f"{today - timedelta(days=age_days)}", "percent": percent}]}
        content = table("volatility") | {"daily": rows}
        (tmp_path / "volatility.json").write_text(json.dumps(content))
        with application_on(environ, market_tables=str(tmp_path)) as reading:
            market = Market.open(reading)
            universe, now = reading.market.universes.current(), reading.base.clock()
            greeks = reading.analytics.greeks
            greeks.compute_chunk(universe.version, 0, universe.option_count, now)
            return estimate(market, market.account(f"{percent}-{age_days}"), sell(market))

    calm, wild, stale = estimate_at("0.8", 0), estimate_at("2", 0), estimate_at("0.8", 30)

    assert calm.fits
    # 9.3 % of 24,000, and 6 * 2 % * 2 ** 0.5, without what the option is away from the money.
    assert wild.initial_margin - calm.initial_margin == pytest.approx(
        LOT * 24_000 * Decimal("0.0767"), rel=Decimal("0.02")
    )
    assert (stale.fits, stale.orders[0].reason) == (False, "NO_RISK_ARRAY")
