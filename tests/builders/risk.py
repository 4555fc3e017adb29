"""Risk arrays of options computed one number at a time, and a board of them in memory."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from math import erf, exp, log, sqrt
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.margin.losses import NO_LOSSES
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.risk_arrays import DELTA_ROW, MARK_ROW, RISK_ROWS
from angel_x.domain.margin.unit_risk import STEPS, UnitRisk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

_DAY = 1 / 365
_MOVES = [f * s for f in (0.0, 1 / 3, 2 / 3, 1.0) for s in ((1,) if f == 0 else (1, -1))]


def option_value(
    spot: float, strike: float, years: float, rate: float, sigma: float, *, is_call: bool
) -> tuple[float, float]:
    """Return price and delta of an option on a spot that pays nothing (Black and Scholes)."""
    sign = 1.0 if is_call else -1.0
    width = sigma * sqrt(years)
    if width <= 0:
        value = max(0.0, sign * (spot - strike * exp(-rate * years)))
        return value, sign if value > 0 else 0.0
    d1 = (log(spot / strike) + (rate + sigma * sigma / 2) * years) / width
    discounted = strike * exp(-rate * years)
    first, second = (_cumulative(sign * d) for d in (d1, d1 - width))
    return sign * (spot * first - discounted * second), sign * first


def risk_array(
    spot: float, strike: float, years: float, rate: float, sigma: float, *, is_call: bool
) -> NDArray[np.float32]:
    """Return 16 losses, delta and mark of one unit long; scan ranges 9.3 % and 4 vol points."""
    mark, delta = option_value(spot, strike, years, rate, sigma, is_call=is_call)

    def loss(move: float, shift: float) -> float:
        moved, later = spot * (1 + 0.093 * move), max(years - _DAY, 0.0)
        shifted = max(sigma + shift, 0.0)
        return mark - option_value(moved, strike, later, rate, shifted, is_call=is_call)[0]

    ordinary = [loss(move, shift) for move in _MOVES for shift in (0.04, -0.04)]
    extreme = [0.35 * loss(move, 0.0) for move in (2.0, -2.0)]
    return np.array([*ordinary, *extreme, delta, mark], np.float32)


class Flat(dict[str, UnitRisk]):
    """A sheet that knows the same of every contract."""

    def __init__(self, unit: UnitRisk) -> None:
        super().__init__({"any": unit})

    def __missing__(self, symbol: str) -> UnitRisk:
        return self["any"]


def flat(per_unit: Decimal) -> Flat:
    """Know contracts without scenarios, which ask for so many rupees for each unit short."""
    return Flat(UnitRisk(date.max, MarginSource.RISK_ARRAY, NO_LOSSES, 0, int(per_unit * STEPS)))


class MemoryRiskBoard:
    """A board of risk arrays in memory.  It never expires."""

    def __init__(self) -> None:
        self.columns: dict[str, NDArray[np.float32]] = {}
        self.times: dict[str, NDArray[np.int64]] = {}
        self.reads = 0

    def write(
        self, universe: Universe, start: int, columns: NDArray[np.float32], as_of_ms: int
    ) -> None:
        board, times = self._of(universe)
        board[:, start : start + columns.shape[1]] = columns
        times[start : start + columns.shape[1]] = as_of_ms

    def read_rows(
        self, universe: Universe, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        self.reads += 1
        board, times = self._of(universe)
        return board[:, rows], times[rows]

    def _of(self, universe: Universe) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        absent = np.full((RISK_ROWS, len(universe)), np.nan, np.float32)
        board = self.columns.setdefault(universe.version, absent)
        return board, self.times.setdefault(universe.version, np.zeros(len(universe), np.int64))


def model_columns(
    universe: Universe,
    *,
    at: float,
    spot: float,
    sigma: float = 0.14,
    rows: Sequence[int] | None = None,
) -> NDArray[np.float32]:
    """Return the risk arrays of rows of a universe, by default of its options, at one volatility."""
    return np.stack(
        [
            risk_array(
                spot,
                float(universe.strike[row]),
                max((float(universe.expires_at[row]) - at) * _DAY / 86_400, 0.0),
                0.065,
                sigma,
                is_call=bool(universe.is_call[row]),
            )
            for row in (range(universe.option_count) if rows is None else rows)
        ],
        axis=1,
    )


assert DELTA_ROW == RISK_ROWS - 2, "the order in which risk_array writes"
assert MARK_ROW == RISK_ROWS - 1


def _cumulative(x: float) -> float:
    return (1 + erf(x / sqrt(2))) / 2
