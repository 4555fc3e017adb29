"""Scenarios, strategies and plans over HTTP, on a chain with Greeks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest

from angel_x import Client
from angel_x.domain.pricing.black_scholes import greeks
from tests.builders.orders import SPOT, Market
from tests.integration.api.running import RunningApi


@pytest.fixture
def market(api: RunningApi) -> Market:
    """A chain at a volatility of 12 %, with published Greeks."""
    market = Market.open(api.application)
    universe, now = api.application.market.universes.current(), api.application.base.clock()
    years = (universe.expires_at[0] - now.timestamp()) / (365 * 86400)
    prices = greeks(float(SPOT), universe.strike, years, 0.0, 0.0, 0.12, universe.is_call)["price"]
    for symbol, price in zip(universe.symbols, prices.tolist(), strict=True):
        market.quote(symbol, f"{price - 0.5:.1f}0", f"{price + 0.5:.1f}0")
    assert api.application.analytics.greeks.compute_chunk(universe.version, 0, len(universe), now)
    return market


def test_a_plan_is_traded_recognized_and_asked_about(
    api: RunningApi, account: tuple[int, str], client: Client, market: Market
) -> None:
    user_id, key = account
    plan = client.plan_strategy(
        "straddle", "NIFTY", direction="short", lots=2, deltas=["0.5"], tag="weekly"
    )
    body = api.call("POST", "/v1/strategies", key=key, content={
        "name": "straddle", "underlying": "NIFTY", "direction": "short", "lots": 2, "offsets": [0],
        "tag": "weekly",
    }).body  # fmt: skip
    accepted = client.submit(body["orders"])
    api.application.trading.execution.run([int(receipt.order_id) for receipt in accepted])

    held = client.strategies()
    (tag,) = client.tags().tags
    hedged = client.scenarios(
        [{"symbol": s, "side": "BUY", "quantity": 130} for s in (market.symbols[4], market.symbols[1])],
        spot_percents=[-2, 0, 2], vol_percents=[0], days=[0, 1],
    )  # fmt: skip
    report = client.scenarios(spot_percents=[-2, 0, 2], vol_percents=[0, 20], days=[0, 1])

    (straddle,) = held.strategies
    assert held.rest == {}
    assert (straddle.strategy.name, straddle.strategy.direction) == ("straddle", "short")
    assert straddle.cost == plan.cost == Decimal(body["cost"]) < 0
    assert straddle.payoff is not None
    assert straddle.payoff.max_profit == -straddle.cost
    assert straddle.payoff == report.payoffs[0].exact
    # Sold at the bid, marked at the middle: half a rupee on each unit.
    assert straddle.unrealised_pnl == tag.unrealised_pnl == -130
    assert tag.tag == "weekly"
    assert tag.strategies == (straddle.strategy,)
    assert tag.greeks == straddle.greeks
    assert straddle.greeks.theta is not None
    assert straddle.greeks.theta > 0
    (today, tomorrow) = report.profit
    assert (today[1][0], today[0][0] < -9000, today[2][0] < -9000) == (0, True, True)
    assert tomorrow[1][0] == pytest.approx(straddle.greeks.theta, rel=0.1)
    required = api.application.trading.balances.of(user_id).required
    short, covered = report.margin[0][1][0], hedged.margin[0][1][0]
    assert short is not None
    assert covered is not None
    assert float(short) == pytest.approx(float(required), rel=0.01)
    assert [s.name for s in hedged.strategies] == ["iron_butterfly"]
    assert covered < short / 2
    assert hedged.payoffs[0].exact is not None
    assert hedged.payoffs[0].exact.max_loss is not None
    assert [share.key for share in report.concentration.underlyings] == ["NIFTY"]


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/v1/scenarios", {"spot_percents": [1] * 41, "vol_percents": [0] * 30}, 400),
        ("/v1/scenarios", {"spot_percents": [10**400]}, 400),
        ("/v1/scenarios", {"days": ["1"]}, 400),
        ("/v1/scenarios", {"orders": [{"symbol": "NIFTY", "side": "BUY", "quantity": 1}]}, 422),
        ("/v1/strategies", {"name": "straddle", "underlying": "NIFTY", "offsets": [0]}, 400),
        ("/v1/strategies", {"name": "hope", "underlying": "NIFTY"}, 400),
        (
            "/v1/strategies",
            {"name": "box", "underlying": "ABC", "direction": "long", "strikes": ["1", "2"]},
            404,
        ),
        ("/v1/strategies", b'{"name": "box", "underlying": "NIFTY", "strikes": ["\\udfff"]}', 400),
    ],
)
def test_a_question_that_is_not_valid_is_refused(
    shared_api: RunningApi, path: str, content: object, status: int
) -> None:
    _, key = shared_api.open_account(f"asker-{shared_api.count('users')}")

    sent = {"body": content} if isinstance(content, bytes) else {"content": content}
    answer = shared_api.call("POST", path, key=key, **cast("Any", sent))

    assert answer.status == status, answer.raw
    assert answer.headers["content-type"] == "application/problem+json"
