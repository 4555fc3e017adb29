"""Contracts whose risk arrays are known, and the requirement of a book of them, computed naively."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from angel_x.domain.margin.losses import SCENARIO_COUNT, Losses
from angel_x.domain.margin.margin import RiskRows
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.risk_arrays import RISK_ROWS
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.domain.margin.unit_risk import UnitRisk
from config.market import table
from tests.builders.risk import risk_array

MODEL = SpanMargin.from_tables(table("margin"), table("volatility"))
TODAY = date(2026, 8, 19)
NEAR, FAR = date(2026, 8, 25), date(2026, 9, 29)
SPOT = 24_000.0
_RATE = 0.07


def option(strike: float, right: str, expiry: date = NEAR, today: date = TODAY) -> UnitRisk:
    """Return a unit of an option on 24,000 at 14 % volatility."""
    years = max((expiry - today).days, 0.2) / 365
    array = risk_array(SPOT, strike, years, _RATE, 0.14, is_call=right == "CE")
    rows = RiskRows(["NIFTY"], [expiry], [Decimal(SPOT)], array[:, None], np.array([True]))
    (unit,) = MODEL.unit_risks(rows, today)
    return unit


def invented(
    marks: int, values: Sequence[int], charge: int, spread: int, expiry: date, *, is_last: bool
) -> UnitRisk:
    """Return a unit that is worth ``values`` in the scenarios, all in steps."""
    losses = Losses(marks - value for value in values)
    spread = 0 if is_last else spread
    return UnitRisk(expiry, MarginSource.RISK_ARRAY, losses, marks, charge, spread, is_last)


def future(expiry: date = NEAR, price: float = 24_100.0, today: date = TODAY) -> UnitRisk:
    """Return a unit of a future on 24,000."""
    nothing = np.full((RISK_ROWS, 1), np.nan)
    spots, is_fresh = [Decimal(SPOT)], np.array([False])
    prices = [Decimal(price)]
    rows = RiskRows(["NIFTY"], [expiry], spots, nothing, is_fresh, futures=prices)
    (unit,) = MODEL.unit_risks(rows, today)
    return unit


def invented_future(
    values: Sequence[int], charge: int, spread: int, expiry: date, *, is_last: bool
) -> UnitRisk:
    """Return a unit of a future that loses ``values`` less 1,000 in the scenarios, in steps."""
    spread, losses = 0 if is_last else spread, Losses(value - 1_000 for value in values)
    source = MarginSource.RISK_ARRAY
    return UnitRisk(expiry, source, losses, 0, charge, spread, is_last, is_future=True)


def naive_requirement(units: Mapping[str, UnitRisk], book: Mapping[str, int]) -> int:
    """Return what a book needs in steps: the rules one after the other, in whole numbers."""
    at_risk = {s: q for s, q in book.items() if q < 0 or (q > 0 and units[s].is_future)}
    asked = sum(abs(q) * units[s].charge for s, q in at_risk.items())

    def risk(symbols: list[str]) -> tuple[int, int]:
        outcomes = [
            sum(book[s] * units[s].losses[k] for s in symbols) for k in range(SCENARIO_COUNT)
        ]
        return max(0, *outcomes), sum(book[s] * units[s].mark for s in symbols)

    expiries = sorted({units[s].expiry for s in book})
    members = {e: [s for s in book if units[s].expiry == e] for e in expiries}
    lasting = [e for e in expiries if not units[members[e][0]].is_last_day]
    deltas = [sum(book[s] * units[s].spread for s in members[e]) for e in lasting]
    calendar = min(sum(d for d in deltas if d > 0), -sum(d for d in deltas if d < 0))
    together, value = risk([s for e in lasting for s in members[e]])
    total = asked + max(0, together + calendar - value)
    for last in set(expiries) - set(lasting):
        scan, value = risk(members[last])
        total += max(0, scan - value)
    return total if at_risk else 0
