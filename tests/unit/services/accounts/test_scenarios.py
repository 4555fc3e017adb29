"""Scenarios of orders that are not sent, in options and futures of one expiry."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.margin.span import span_table
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.domain.orders.order import OrderRequest, OrderType, Side
from angel_x.domain.pricing.greek import GREEK_FIELDS, GreekField
from angel_x.domain.pricing.pricing_model import PricingModel
from angel_x.domain.strategies.answers import ScenarioReport
from angel_x.domain.strategies.shocks import Axes
from angel_x.domain.values.dated import Dated
from angel_x.services.accounts.leg_market import LegMarkets
from angel_x.services.accounts.scenario_form import ScenarioRequest
from angel_x.services.accounts.scenarios import Scenarios
from config.market import table
from tests.builders.markets import factory_on
from tests.builders.paper import LOT, PUT, UNIVERSE, Exchange

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONTRACT = factory_on(date(2026, 8, 19)).make_future("NIFTY", UNIVERSE.chains[0].expiry)
FUTURE = CONTRACT.symbol
AXES = Axes([-2.0, 0.0, 2.0], [0.0], [0.0, 400.0])


@pytest.fixture
def exchange() -> Exchange:
    made = Exchange(universe=Universe([*UNIVERSE.contracts, CONTRACT]), publishes=False)
    made.tell_spot()
    made.quote(PUT)
    return made


def asked(exchange: Exchange, *orders: tuple[Side, str]) -> ScenarioReport:
    """Return the scenarios of a lot of each contract, at volatilities of 14 %."""

    def read_greeks(
        universe: Universe, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        columns = np.zeros((len(GREEK_FIELDS), rows.size), np.float32)
        columns[GreekField.FORWARD], columns[GreekField.IMPLIED_VOL] = 24_060.0, 0.14
        columns[:, rows >= universe.option_count] = np.nan
        return columns, np.full(rows.size, epoch_ms(exchange.clock()))

    markets = LegMarkets(
        universes=exchange.universes,
        quotes=exchange.board,
        read_greeks=read_greeks,
        market_clock=exchange.clock,
        rates=Dated([(date(2024, 1, 1), 0.065)]),
        model=PricingModel.BLACK76,
    )
    rules = table("margin"), table("volatility")
    scenarios = Scenarios(
        positions=lambda _: (),
        markets=markets,
        spans=span_table(*rules),
        margin=SpanMargin.from_tables(*rules).unit_risks,
    )
    requests = tuple(
        OrderRequest(f"s{number}", symbol, side, LOT, OrderType.MARKET)
        for number, (side, symbol) in enumerate(orders)
    )
    return scenarios.report(1, ScenarioRequest(requests, AXES, "NIFTY", is_of_book=False))


def test_a_future_has_profit_margin_and_payoff_in_every_state(exchange: Exchange) -> None:
    exchange.quote(FUTURE, bid=2_409_990, ask=2_410_010)

    report = asked(exchange, (Side.SELL, FUTURE))

    (now, later), (margin, settled) = report.profit, report.margin
    # 2 % of 24,100 either way, and after the expiry the spot below the price of 24,100.
    assert [row[0] for row in now] == [31_330, 0, -31_330]
    assert [row[0] for row in later] == [37_700, 6_500, -24_700]
    assert margin[1][0] == LOT * (2_232 + 482)
    assert [row[0] for row in settled] == [0, 0, 0]
    (curve,) = report.payoffs
    assert curve.exact is not None
    assert (curve.exact.max_loss, curve.exact.breakevens) == (None, (Decimal(24_100),))
    assert report.unpriced == ()


def test_a_put_protects_a_future_in_the_same_grid(exchange: Exchange) -> None:
    exchange.quote(FUTURE, bid=2_409_990, ask=2_410_010)
    put, future = asked(exchange, (Side.BUY, PUT)), asked(exchange, (Side.BUY, FUTURE))

    both = asked(exchange, (Side.BUY, PUT), (Side.BUY, FUTURE))

    sums = [a[0] + b[0] for a, b in zip(put.profit[0], future.profit[0], strict=True)]
    assert [row[0] for row in both.profit[0]] == pytest.approx(sums, abs=0.01)
    protected, naked = both.margin[0][1][0], future.margin[0][1][0]
    assert protected is not None
    assert naked is not None
    assert protected < naked / 2
    # Below the strike of 24,000 only the distance to the future's price and the premium are lost.
    (curve,) = both.payoffs
    assert curve.exact is not None
    assert curve.exact.max_loss == -LOT * (Decimal(100) + Decimal("100.25"))


def test_a_future_without_a_quote_is_named_and_left_out(exchange: Exchange) -> None:
    report = asked(exchange, (Side.BUY, PUT), (Side.BUY, FUTURE))

    assert report.unpriced == (FUTURE,)
    assert [curve.exact is not None for curve in report.payoffs] == [True]
    assert report.profit == asked(exchange, (Side.BUY, PUT)).profit
