"""The volatility smile of simulated prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SmileCurve:
    """Total variance as a hyperbola in log-moneyness (Gatheral's SVI), scaled to each expiry.

    The wings are linear and flat enough to exclude butterfly arbitrage.  The defaults match a NIFTY
    week: three times the volatility at eight deviations.
    """

    #: Volatility at the money far away from expiry, per year.
    level: float = 0.125
    #: Added to ``level`` as the time to expiry goes to zero.
    near_expiry: float = 0.02
    #: Slope of the variance in the wings, in units of the variance at the money a deviation.
    slope: float = 0.7
    #: Negative where low strikes have the higher volatility.
    skew: float = -0.15
    #: Deviations over which the curve bends.
    bend: float = 1.0

    def volatility(
        self,
        forward: NDArray[np.float64],
        strike: NDArray[np.float64],
        years: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the volatility of each contract per year."""
        at_the_money = self.level + self.near_expiry * np.exp(-years * 365.0 / 7.0)
        deviations = np.log(strike / forward) / (at_the_money * np.sqrt(years))
        curve = np.hypot(deviations, self.bend) - self.bend
        variance = 1.0 + self.slope * (self.skew * deviations + curve)
        result: NDArray[np.float64] = at_the_money * np.sqrt(variance)
        return result
