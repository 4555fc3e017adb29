"""Margin from the risk arrays that the Greeks pass itself publishes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.orders.order import Side
from angel_x.errors import UnknownContract
from tests.builders.orders import SPOT, Market
from tests.builders.risk import option_value


def test_the_order_path_reads_what_the_greeks_pass_publishes(application: Application) -> None:
    market = Market.open(application)
    universe, now = application.market.universes.current(), application.base.clock()
    for row, name in enumerate(market.symbols):
        years = (float(universe.expires_at[row]) - now.timestamp()) / (365 * 86_400)
        fair, _ = option_value(
            float(SPOT),
            float(universe.strike[row]),
            years,
            0.065,
            0.14,
            is_call=bool(universe.is_call[row]),
        )
        tick = Decimal(round(fair * 20)) / 20
        market.quote(name, str(tick - Decimal("0.05")), str(tick + Decimal("0.05")))
    application.analytics.greeks.compute_chunk(universe.version, 0, len(universe), now)
    user = market.account()
    short, hedge = (s for s in market.symbols if s.endswith(("24000CE", "24100CE")))

    alone = application.trading.what_if.estimate(user, [market.request(Side.SELL, short)])
    both = application.trading.what_if.estimate(
        user, [market.request(Side.SELL, short), market.request(Side.BUY, hedge)]
    )

    assert [order.margin_source for order in both.orders] == [MarginSource.RISK_ARRAY] * 2
    assert 150_000 < alone.initial_margin < 200_000
    assert both.initial_margin < alone.initial_margin / 3
    assert both.underlyings[0].hedge_benefit > 100_000


def test_a_contract_that_is_unlisted_while_it_is_asked_about_is_named(
    application: Application,
) -> None:
    market = Market.open(application)
    gone = market.request(Side.SELL, "NIFTY_25AUG26_99000CE")

    with pytest.raises(UnknownContract, match="NIFTY_25AUG26_99000CE"):
        application.trading.what_if.estimate(market.account(), [gone])
