"""What volatilities and Greeks are worked out on."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.contracts.contract import Right
from tests.builders.orders import SPOT, Market
from tests.integration.settings.conftest import Build

#: What calls and puts agree on, far from what the spot grows to.
FORWARD = 24_300


def quote_around_the_forward(application: Application) -> Market:
    market = Market.open(application)
    for contract in application.market.universes.current().contracts:
        payoff = FORWARD - int(contract.strike)
        side = payoff / 2 if contract.right is Right.CALL else -payoff / 2
        price = Decimal(str(400 + side))
        market.quote(contract.symbol, str(price - 1), str(price + 1))
    return market


@pytest.mark.parametrize(
    ("model", "carry"), [("black76", None), ("bsm", 0.065), ("exchange", 0.10)]
)
def test_pricing_model_decides_what_a_volatility_is_read_off(
    built: Build, model: str, carry: float | None
) -> None:
    application = built(PRICING_MODEL=model)
    market = quote_around_the_forward(application)
    universe = application.market.universes.current()

    application.analytics.greeks.compute_chunk(
        universe.version, 0, len(universe), application.base.clock()
    )

    found = application.analytics.greeks.of(market.symbols[0])
    assert found.forward is not None
    if carry is None:
        assert float(found.forward) == pytest.approx(FORWARD, abs=3)
    else:
        years = math.log(float(found.forward) / float(SPOT)) / carry
        assert 5 / 365 < years < 12 / 365
