"""Years to expiry, and times as numbers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SECONDS_PER_DAY = 86_400.0
_SECONDS_PER_YEAR = 365.0 * _SECONDS_PER_DAY
# India has no daylight saving time: its days begin this long before those of UTC.
_IST_SECONDS = 19_800.0
# The price of an option in its last seconds still implies a volatility.
_SHORTEST_SECONDS = 60.0


def years_to_expiry(expires_at: NDArray[np.float64], at: float) -> NDArray[np.float64]:
    """Return years of 365 days until ``expires_at``, both in epoch seconds.

    At least one minute as long as the contract trades; zero from its last instant on.
    """
    seconds = expires_at - at
    return np.where(seconds > 0, np.maximum(seconds, _SHORTEST_SECONDS), 0.0) / _SECONDS_PER_YEAR


def calendar_years_to_expiry(expires_at: NDArray[np.float64], at: float) -> NDArray[np.float64]:
    """Return whole calendar days in India until the day of ``expires_at``, as years of 365 days.

    At least one day as long as the contract trades; zero from its last instant on.
    """
    days = _day(expires_at) - _day(np.float64(at))
    return np.where(expires_at > at, np.maximum(days, 1.0), 0.0) / 365.0


def _day(seconds: NDArray[np.float64] | np.float64) -> NDArray[np.float64] | np.float64:
    return np.floor((seconds + _IST_SECONDS) / _SECONDS_PER_DAY)


def epoch_ms(at: datetime) -> int:
    """Return an aware time as milliseconds since the epoch."""
    return round(at.timestamp() * 1000)
