"""Reproducible random numbers: a hash of the seed and of the purpose of the draw.

Draws keep no state, so a number depends neither on the order of the draws nor on the process.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_MASK = 2**64 - 1
#: 53 bits make a float of [0, 1) exactly.
_BITS = np.uint64(11)
_UNIT = 2.0**-53


class Stream(IntEnum):
    """Purpose of a draw; the draws of one order are independent between streams."""

    SLIPPAGE = 1
    LATENCY = 2


def draws(
    seed: int, stream: Stream, ids: NDArray[np.int64], steps: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return one number in [0, 1) for each ``(seed, stream, id, step)``, uniformly distributed."""
    state = np.full(len(ids), (seed * 2 + 1) & _MASK, np.uint64)
    for part in (np.full(len(ids), stream, np.uint64), ids.view(np.uint64), steps.view(np.uint64)):
        state = _mixed((state + _STEP) ^ part)
    return (state >> _BITS).astype(np.float64) * _UNIT


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))
