"""Repricing of contracts and their margin in other states of the market."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from angel_x.domain.margin.span import span_table
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.domain.pricing.black_scholes import greeks
from angel_x.domain.strategies.shocked_margin import ShockedMargin
from angel_x.domain.strategies.shocks import UNCHANGED, Axes, Priced, Shock, profit_grid
from config.market import table

NOW = datetime(2026, 8, 19, 5, 0, tzinfo=UTC)
EXPIRY = NOW + timedelta(days=6)
SHORT = np.array([-65, -65], np.int64)


def straddle() -> Priced:
    return Priced(
        spot=np.full(2, 24_000.0),
        forward=np.full(2, 24_030.0),
        implied_vol=np.full(2, 0.12),
        strike=np.full(2, 24_000.0),
        is_call=np.array([True, False]),
        expires_at=np.full(2, EXPIRY.timestamp()),
        at=NOW.timestamp(),
        rate=0.065,
    )


def test_a_state_is_priced_by_black_76_on_a_forward_that_nears_the_spot() -> None:
    years = 4 / 365
    forward = 24_480.0 * (24_030 / 24_000) ** (4 / 6)
    right = greeks(forward, 24_000.0, years, 0.065, 0.065, 0.12 * 0.8, np.array([True, False]))

    found = straddle().values(Shock(2.0, -20.0, 2.0))

    assert found == pytest.approx(right["price"], rel=1e-12)


@pytest.mark.parametrize(("percent", "worth"), [(-5.0, 1200.0), (0.0, 0.0), (3.0, 720.0)])
def test_at_expiry_a_contract_is_worth_its_payoff_on_the_spot(percent: float, worth: float) -> None:
    found = straddle().values(Shock(percent, 20.0, 6.0))

    assert found.sum() == pytest.approx(worth, abs=1e-9)


def test_the_grid_has_the_change_from_now_in_the_order_of_its_axes() -> None:
    axes = Axes([-2.0, 0.0, 2.0], [0.0, 20.0], [0.0, 1.0])

    found = profit_grid(straddle(), SHORT, axes)

    assert found.shape == (2, 3, 2)
    assert found[0, 1, 0] == 0
    # Short gamma and vega lose by moves of either, and earn by time.
    assert found[0, 0, 0] < 0 > found[0, 2, 0]
    assert found[0, 1, 1] < 0 < found[1, 1, 0]


def test_margin_follows_the_state_and_ends_with_the_contract() -> None:
    margin, volatility = table("margin"), table("volatility")
    today = date(2026, 8, 19)
    book = ShockedMargin(
        straddle(), ["NIFTY"] * 2, [EXPIRY.date()] * 2, SHORT,
        span_table(margin, volatility).on(today), SpanMargin.from_tables(margin, volatility).unit_risks,
    )  # fmt: skip

    now, moved, expiring, expired = (
        book.at(s) or Decimal(0) for s in (UNCHANGED, Shock(5.0, 0.0, 0.0), Shock(0.0, 0.0, 5.9), Shock(0.0, 0.0, 6.0))
    )  # fmt: skip

    # Scan of 9.3 % and exposure of 2 % on either side of the straddle, of 1.56 million notional.
    assert 150_000 < now < 220_000
    assert moved > now * Decimal("1.2")
    # The addition of 2 % on the last day, on both legs.
    assert expiring > now
    assert expired == 0


def test_margin_is_unknown_in_every_state_at_a_stale_volatility() -> None:
    stale = {"max_age_days": 7, "daily": {"NIFTY": [{"from": "2026-08-11", "percent": "0.8"}]}}
    spans = span_table(table("margin"), stale)
    model = SpanMargin.from_tables(table("margin"), stale).unit_risks

    def required(day: date) -> list[Decimal | None]:
        book = ShockedMargin(
            straddle(), ["NIFTY"] * 2, [EXPIRY.date()] * 2, SHORT, spans.on(day), model
        )
        return book.grid(Axes([0.0], [0.0], [0.0, 6.0]))

    known, expired = required(date(2026, 8, 18))
    assert (known or 0) > 150_000
    # An expired contract needs none.
    assert expired == 0
    assert required(date(2026, 8, 19)) == [None, 0]
