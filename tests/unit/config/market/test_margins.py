"""Margins and the scenarios behind them.

Sources: NSE Clearing's page on SPAN risk parameters, its circular NCL/CMPT/64639 of 20 November 2024,
and a SPAN file of 29 May 2026.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from angel_x.domain.margin.margin import ExposureMargin, RiskRows
from angel_x.domain.margin.risk_arrays import DELTA_ROW
from angel_x.domain.margin.span import ScanRange, SpanParameters, span_table
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.domain.margin.unit_risk import STEPS
from config.market import table

MARGIN = ExposureMargin.from_table(table("margin"))
SPREADS = SpanMargin.from_tables(table("margin"), table("volatility"))
SPAN = span_table(table("margin"), table("volatility"))
FIRST, LAST, EVE = date(2024, 1, 1), date(2030, 12, 31), date(2023, 12, 31)
#: The first day of the extra margin on the day of expiry.
EXTRA = date(2024, 11, 20)
INDICES = ("BANKEX", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTY", "NIFTYNXT50", "SENSEX")


def spread(
    today: date, *, contracts: int = 1, underlying: str = "NIFTY", margin: Any = None
) -> list[float]:
    """Return rupees that a unit of delta 1 on a spot of 10,000 is charged between expiries."""
    columns = np.zeros((18, contracts), np.float32)
    columns[DELTA_ROW] = 1.0
    rows = RiskRows(
        [underlying] * contracts,
        [date.max] * contracts,
        [Decimal(10_000)] * contracts,
        columns,
        np.ones(contracts, np.bool_),
    )
    model = SPREADS if margin is None else SpanMargin.from_tables(margin, table("volatility"))
    return [risk.spread / STEPS for risk in model.unit_risks(rows, today)]


@pytest.mark.parametrize("day", [FIRST, EXTRA - timedelta(days=1), EXTRA, LAST])
@pytest.mark.parametrize(
    ("underlying", "exposure", "expiry_day"),
    [*((name, 200, 200) for name in INDICES), ("RELIANCE", 350, 0)],
)
def test_a_short_of_ten_thousand_rupees_is_asked_for_the_listed_shares(
    underlying: str, exposure: int, expiry_day: int, day: date
) -> None:
    rates = MARGIN.rates(underlying, day)

    asked = [share * 10_000 for share in (rates.exposure, rates.expiry_day)]
    assert asked == [exposure, expiry_day if day >= EXTRA else 0]


@pytest.mark.parametrize("day", [FIRST, LAST])
def test_an_offset_between_expiries_costs_a_hundred_and_seventy_five_of_ten_thousand(
    day: date,
) -> None:
    assert spread(day) == [175]
    assert spread(day, underlying="RELIANCE") == [220]


def test_without_charges_of_their_own_stocks_have_those_of_indices() -> None:
    content = table("margin")
    del content["stock_calendar_spreads"]

    assert spread(FIRST, underlying="RELIANCE", margin=content) == [175]


@pytest.mark.parametrize("underlying", ["NIFTY", "RELIANCE"])
def test_no_margin_is_known_before_the_first(underlying: str) -> None:
    with pytest.raises(LookupError, match="2023-12-31"):
        MARGIN.rates(underlying, EVE)
    with pytest.raises(LookupError, match="2023-12-31"):
        spread(EVE, contracts=0)
    with pytest.raises(LookupError, match="2023-12-31"):
        SPAN.on(EVE)


@pytest.mark.parametrize("day", [FIRST, LAST])
def test_the_scenarios_are_those_of_the_clearing_corporation(day: date) -> None:
    assert SPAN.on(day) == SpanParameters(
        indices=frozenset(INDICES),
        index=ScanRange(price=0.093, distant_price=0.177, volatility=0.04),
        stock=ScanRange(price=0.142, distant_price=0.177, volatility=0.10),
        distant_years=0.75,
        extreme_moves=2.0,
        extreme_cover=0.35,
        look_ahead_years=1 / 365,
    )


def test_indices_are_written_by_name() -> None:
    assert tuple(table("margin")["span"]["indices"]) == INDICES
    assert set(INDICES) == set(table("contracts")["lot_size"])


def test_margins_begin_with_the_tables_and_the_extra_margin_later() -> None:
    content = table("margin")
    names = ("short_options", "short_stock_options", "calendar_spreads", "stock_calendar_spreads")
    rows = [content[name] for name in names]

    assert [[row["from"] for row in part] for part in rows] == [
        ["2024-01-01", "2024-11-20"],
        ["2024-01-01"],
        ["2024-01-01"],
        ["2024-01-01"],
    ]
    assert [row["from"] for row in content["span"]["scenarios"]] == ["2024-01-01"]


@pytest.mark.reference
def test_scan_ranges_are_those_of_a_real_risk_file(reference_folder: Path) -> None:
    listed = json.loads((reference_folder / "span_reference_20260529.json").read_text())
    price, volatility = listed["span_params_seen"]
    parameters = SPAN.on(date(2026, 5, 29))

    # Written with two places, so that every ten thousandth of the share shows.
    assert round(price["phy_price"] * parameters.index.price, 2) == pytest.approx(
        price["priceScan"], abs=0.02
    )
    assert parameters.index.volatility == volatility["volScan"]
    rates = MARGIN.rates("NIFTY", date(2026, 5, 29))
    for case in listed["cases"][:1]:
        units = case["legs"][0][2]
        future = listed["future_price_implied_by_exposure"]
        assert float(rates.exposure) * future * units == pytest.approx(case["exposure"], abs=1)
