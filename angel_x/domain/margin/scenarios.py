"""Shocks of spot and volatility, and the profit of one unit of a contract under each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.pricing.black_scholes import greeks

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPOT_PERCENT = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
VOL_PERCENT = (-20.0, 0.0, 20.0)
_UNCHANGED = (SPOT_PERCENT.index(0.0), VOL_PERCENT.index(0.0))


@dataclass(frozen=True, slots=True)
class ScenarioInputs:
    """Contracts as columns of one length."""

    #: Rupees.
    forward: NDArray[np.float64]
    #: A fraction; NaN where unknown.
    implied_vol: NDArray[np.float64]
    #: Rupees.
    strike: NDArray[np.float64]
    is_call: NDArray[np.bool_]
    #: By the day count of the pricing model of ``implied_vol``.
    years: NDArray[np.float64]


def unit_profit(contracts: ScenarioInputs, *, rate: float) -> NDArray[np.float64]:
    """Return rupees a unit, shape (contracts, spot moves, volatility moves); NaN without a volatility.

    Every cell is a full repricing.  The forward moves in proportion to the spot, time stands still.
    """
    spot_factor = 1.0 + np.array(SPOT_PERCENT)[:, None] / 100.0
    vol_factor = 1.0 + np.array(VOL_PERCENT) / 100.0
    prices = greeks(
        _column(contracts.forward) * spot_factor,
        _column(contracts.strike),
        _column(contracts.years),
        rate,
        rate,
        _column(contracts.implied_vol) * vol_factor,
        contracts.is_call[:, None, None],
    )["price"]
    profit: NDArray[np.float64] = prices - prices[:, *(slice(i, i + 1) for i in _UNCHANGED)]
    return profit


def _column(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[:, None, None]
