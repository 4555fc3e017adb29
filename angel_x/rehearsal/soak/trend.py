"""The growth of a measure over a soak, and the judgment whether it is a leak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Consecutive samples are alike, so the trend is that of the means of so many blocks.
BLOCKS = 24
#: The quantile of the normal distribution that bounds the middle 99 %.
_Z = 2.576


@dataclass(frozen=True, slots=True)
class Growth:
    """The growth of a measure over a whole series, with its bounds of 99 % confidence."""

    growth: float
    low: float
    high: float

    def is_leak(self, floor: float) -> bool:
        """Return whether the growth is surely more than ``floor``."""
        return self.low > floor


def growth(seconds: ArrayLike, values: ArrayLike) -> Growth:
    """Return the growth by the median of slopes, which no single step or peak decides.

    ``seconds`` and ``values`` have the shape (n,), the first one ascending.  The estimator is that of
    Theil and Sen, the bounds are those of Sen (Journal of the American Statistical Association 63,
    1968), from the variance of Kendall's statistic.

    Raises:
        ValueError: There are fewer samples than blocks.
    """
    at, level = _blocks(np.asarray(seconds, float)), _blocks(np.asarray(values, float))
    later, earlier = np.tril_indices(BLOCKS, -1)
    slopes = np.sort((level[later] - level[earlier]) / (at[later] - at[earlier]))
    reach = _Z * np.sqrt(BLOCKS * (BLOCKS - 1) * (2 * BLOCKS + 5) / 18)
    lowest = int(np.floor((len(slopes) - reach) / 2))
    highest = int(np.ceil((len(slopes) + reach) / 2))
    span = float(at[-1] - at[0])
    return Growth(
        *(span * float(slope) for slope in (np.median(slopes), slopes[lowest], slopes[highest]))
    )


def _blocks(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means of blocks of about the same length, in order."""
    if len(series) < BLOCKS:
        raise ValueError(f"a trend needs {BLOCKS} samples, was given {len(series)}")
    return np.array([part.mean() for part in np.array_split(series, BLOCKS)])
