"""Repricing of contracts and their margin in other states of the market."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from angel_x.domain.margin.span import span_table
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.domain.pricing.black_scholes import greeks
from angel_x.domain.strategies.shocked_margin import Holdings, ShockedMargin
from angel_x.domain.strategies.shocks import (
    UNCHANGED,
    Axes,
    Forwards,
    Priced,
    Shock,
    profit_grid,
)
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


def futures(count: int = 1) -> Forwards:
    return Forwards(
        spot=np.full(count, 24_000.0),
        forward=np.full(count, 24_100.0),
        expires_at=np.full(count, EXPIRY.timestamp()),
        at=NOW.timestamp(),
    )


def book(
    options: list[int], of_futures: list[int], volatility: dict[str, Any], day: date
) -> ShockedMargin:
    """Return the margin of units of the straddle and of a future, under a table of volatilities."""
    margin = table("margin")
    held = straddle() if options else none(straddle())
    names, days = ["NIFTY"] * len(options), [EXPIRY.date()] * len(options)
    return ShockedMargin(
        Holdings(held, names, days, np.array(options, np.int64)),
        Holdings(
            futures(len(of_futures)),
            ["NIFTY"] * len(of_futures),
            [EXPIRY.date()] * len(of_futures),
            np.array(of_futures, np.int64),
        ),
        span_table(margin, volatility).on(day),
        SpanMargin.from_tables(margin, volatility).unit_risks,
    )


def none(priced: Priced) -> Priced:
    """Return the same market without contracts."""
    return replace(
        priced, spot=priced.spot[:0], forward=priced.forward[:0], implied_vol=priced.implied_vol[:0],
        strike=priced.strike[:0], is_call=priced.is_call[:0], expires_at=priced.expires_at[:0],
    )  # fmt: skip


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
    short = book([-65, -65], [], table("volatility"), date(2026, 8, 19))

    now, moved, expiring, expired = (
        short.at(s) or Decimal(0) for s in (UNCHANGED, Shock(5.0, 0.0, 0.0), Shock(0.0, 0.0, 5.9), Shock(0.0, 0.0, 6.0))
    )  # fmt: skip

    # Scan of 9.3 % and exposure of 2 % on either side of the straddle, of 1.56 million notional.
    assert 150_000 < now < 220_000
    assert moved > now * Decimal("1.2")
    # The addition of 2 % on the last day, on both legs.
    assert expiring > now
    assert expired == 0


def test_margin_is_unknown_in_every_state_at_a_stale_volatility() -> None:
    stale = {"max_age_days": 7, "daily": {"NIFTY": [{"from": "2026-08-11", "percent": "0.8"}]}}

    def required(day: date) -> list[Decimal | None]:
        return book([-65, -65], [], stale, day).grid(Axes([0.0], [0.0], [0.0, 6.0]))

    known, expired = required(date(2026, 8, 18))
    assert (known or 0) > 150_000
    # An expired contract needs none.
    assert expired == 0
    assert required(date(2026, 8, 19)) == [None, 0]


def test_a_future_follows_the_spot_and_nears_it_whatever_the_volatility() -> None:
    moved = futures().values(Shock(2.0, 0.0, 2.0))

    assert moved == pytest.approx([24_480.0 * (24_100 / 24_000) ** (4 / 6)], rel=1e-12)
    assert futures().values(Shock(2.0, 50.0, 2.0)) == pytest.approx(moved, rel=1e-15)
    assert futures().values(UNCHANGED) == pytest.approx([24_100.0], rel=1e-12)
    # At its expiry and later it is the spot.
    for days in (6.0, 9.0):
        assert futures().values(Shock(-5.0, 0.0, days)) == pytest.approx([22_800.0], rel=1e-12)


def test_the_profit_of_a_future_is_its_move_times_its_units() -> None:
    axes = Axes([-2.0, 0.0, 2.0], [0.0, 20.0], [0.0, 6.0])

    found = profit_grid(futures(), np.array([-65]), axes)

    assert found[0, :, 0] == pytest.approx([31_330.0, 0.0, -31_330.0])
    assert found[1, :, 0] == pytest.approx([37_700.0, 6_500.0, -24_700.0])
    assert found[:, :, 1] == pytest.approx(found[:, :, 0])


def test_a_future_needs_scan_range_and_exposure_of_the_state() -> None:
    shipped, today = table("volatility"), date(2026, 8, 19)
    short = book([], [-65], shipped, today)

    # 9.3 % of the spot and 2 % of the future, of 24,000 and 24,100, then 5 % higher.
    assert short.at(UNCHANGED) == 65 * (2_232 + 482)
    assert short.at(Shock(5.0, 20.0, 0.0)) == Decimal(65) * Decimal("2849.7")
    assert short.at(Shock(0.0, 0.0, 6.0)) == 0


def test_a_future_and_a_put_that_protects_it_are_margined_together() -> None:
    shipped, today = table("volatility"), date(2026, 8, 19)
    alone, hedged = book([], [65], shipped, today), book([0, 65], [65], shipped, today)

    naked, protected = alone.at(UNCHANGED), hedged.at(UNCHANGED)
    assert naked == 65 * (2_232 + 482)
    assert protected is not None
    assert 482 * 65 < protected < naked / 2
