"""The time that contracts have left, and times as numbers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SECONDS_PER_YEAR = 365.0 * 86_400.0
# An option that trades in its last seconds still has a volatility to be read off its price.
_SHORTEST_SECONDS = 60.0


def years_to_expiry(expires_at: NDArray[np.float64], at: float) -> NDArray[np.float64]:
    """Return years of 365 days until ``expires_at``, both in epoch seconds.

    At least one minute as long as the contract trades; zero from its last instant on.
    """
    seconds = expires_at - at
    return np.where(seconds > 0, np.maximum(seconds, _SHORTEST_SECONDS), 0.0) / _SECONDS_PER_YEAR


def epoch_ms(at: datetime) -> int:
    """Return an aware time as milliseconds since the epoch."""
    return round(at.timestamp() * 1000)
