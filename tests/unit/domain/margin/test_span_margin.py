"""Margin from risk arrays, held against a file of the clearing corporation."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from angel_x.domain.margin.margin import RiskRows
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.risk_arrays import RISK_ROWS
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.domain.margin.unit_risk import STEPS, UnitRisk
from angel_x.domain.margin.worst_case import FLAT, WorstCase
from config.market import table
from tests.builders.risk import option_value, risk_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODEL = SpanMargin.from_tables(table("margin"), table("volatility"))
TODAY, EXPIRY = date(2026, 5, 29), date(2026, 6, 30)
SPOT, LOT = 23_547.75, 65
_YEARS, _RATE = 32 / 365, 0.07


def unit(
    array: NDArray[np.float32],
    spot: str = "23547.75",
    expiry: date = EXPIRY,
    today: date = TODAY,
    underlying: str = "NIFTY",
) -> UnitRisk:
    rows = RiskRows([underlying], [expiry], [Decimal(spot)], array[:, None], np.array([True]))
    (risk,) = MODEL.unit_risks(rows, today)
    return risk


def implied(price: float, strike: float) -> float:
    low, high = 0.01, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        worth, _ = option_value(SPOT, strike, _YEARS, _RATE, middle, is_call=True)
        low, high = (middle, high) if worth < price else (low, middle)
    return low


@pytest.fixture
def reference(reference_folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(
        (reference_folder / "span_reference_20260529.json").read_text()
    )
    return loaded


@pytest.mark.reference
def test_a_naked_short_is_margined_as_by_the_clearing_corporation(
    reference: dict[str, Any],
) -> None:
    (case,) = (c for c in reference["cases"] if c["legs"] == [["23700CE", "SELL", LOT]])
    sigma = implied(case["premium_per_unit"], 23_700)

    risk = unit(risk_array(SPOT, 23_700, _YEARS, _RATE, sigma, is_call=True))

    scan = -min(risk.losses) * LOT / STEPS
    value = risk.mark * LOT / STEPS
    assert value == pytest.approx(-case["net_option_value"], rel=0.001)
    assert scan + value == pytest.approx(case["span"], rel=0.02)
    assert risk.charge * LOT / STEPS == pytest.approx(case["exposure"], rel=0.02)
    assert float(risk.short_margin) * LOT == pytest.approx(case["total"], rel=0.02)


@pytest.mark.reference
@pytest.mark.parametrize("side", [1, -1])
def test_a_future_is_margined_as_by_the_clearing_corporation(
    reference: dict[str, Any], side: int
) -> None:
    (case,) = (c for c in reference["cases"] if c["legs"] == [["FUT", "BUY", LOT]])
    price = Decimal(str(reference["future_price_implied_by_exposure"]))
    rows = RiskRows(
        ["NIFTY"],
        [EXPIRY],
        [Decimal(str(SPOT))],
        np.full((RISK_ROWS, 1), np.nan),
        np.array([False]),
        futures=[price],
        prices=[int(price * STEPS)],
    )

    (risk,) = MODEL.unit_risks(rows, TODAY)

    assert max(side * loss for loss in risk.losses) * LOT / STEPS == pytest.approx(
        case["span"], rel=0.02
    )
    assert risk.charge * LOT / STEPS == pytest.approx(case["exposure"], rel=0.001)


def test_a_short_that_expires_today_is_asked_for_more_and_offset_with_nothing() -> None:
    array = risk_array(24_000, 24_000, 6 / 365, _RATE, 0.14, is_call=True)

    week, day = (unit(array, "24000", date(2026, 8, 25), d) for d in (TODAY, date(2026, 8, 25)))

    assert (week.charge, day.charge) == (480 * STEPS, 960 * STEPS)
    assert day.short_margin == week.short_margin + 480
    assert week.spread > 0
    assert day.spread == 0


def test_rupees_are_rounded_up_to_the_paisa() -> None:
    array = np.zeros(18, np.float32)
    array[3], array[17] = -0.001, 0.0

    assert unit(array, "0.01").short_margin == Decimal("0.01")


def test_the_same_array_asks_for_the_same_rupees_and_a_spot_of_nothing_for_nothing() -> None:
    array = risk_array(24_000, 24_100, 6 / 365, _RATE, 0.14, is_call=False)

    assert unit(array).short_margin == unit(array.copy()).short_margin
    assert unit(array, "0").source is MarginSource.NONE


def test_stocks_are_asked_for_more_exposure_and_for_nothing_on_their_last_day() -> None:
    array = risk_array(24_000, 24_000, 6 / 365, _RATE, 0.14, is_call=True)

    stock = unit(array, "24000", TODAY, TODAY, "RELIANCE")

    assert stock.charge == 840 * STEPS
    assert stock.is_last_day


def test_a_short_straddle_is_margined_as_by_the_clearing_corporation() -> None:
    """Both sides of 23700 at one volatility; its file of that day asks for 141,674 rupees."""
    worst = WorstCase()
    for is_call in (True, False):
        sigma = implied(437.65, 23_700)
        array = risk_array(SPOT, 23_700, _YEARS, _RATE, sigma, is_call=is_call)
        worst.add(unit(array), FLAT, -LOT)

    needs = worst.required()

    assert (needs.total - needs.exposure) / STEPS == pytest.approx(141_674, rel=0.1)


def test_a_future_is_margined_by_the_volatility_of_the_day_and_not_at_all_by_a_stale_one() -> None:
    rows = [{"from": "2026-08-17", "percent": "0.8"}, {"from": "2026-08-19", "percent": "1.5"}]
    volatility = {"max_age_days": 7, "daily": {"NIFTY": rows}}
    model = SpanMargin.from_tables(table("margin"), volatility)
    nothing = np.full((RISK_ROWS, 1), np.nan)
    spots, futures = [Decimal(24_000)], [Decimal(24_100)]
    known = RiskRows(["NIFTY"], [EXPIRY], spots, nothing, np.array([False]), futures=futures)

    def needed(day: date) -> int | None:
        """Return rupees of a lot short."""
        (risk,) = model.unit_risks(known, day)
        worst = WorstCase()
        worst.add(risk, FLAT, -LOT)
        return worst.total() // STEPS if risk.is_known else None

    # 65 units of 9.3 % of 24,000 and 2 % of 24,100, then of 6 times 1.5 % times the root of two.
    assert needed(date(2026, 8, 18)) == 65 * (2_232 + 482)
    assert needed(date(2026, 8, 26)) == needed(date(2026, 8, 19)) == 229_885
    assert needed(date(2026, 8, 27)) is None
