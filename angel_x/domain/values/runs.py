"""Runs: rows that follow each other, which are written at once, and the gaps worth closing for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Bridge:
    """Closes the narrow gaps between rows, where every row in a gap may be written again.

    Args:
        ours: Of every row, whether it may be.
        widest: How many rows a gap may have.
    """

    def __init__(self, ours: NDArray[np.bool_], *, widest: int) -> None:
        # How many of ours lie before each row: a gap is ours where the count grows by its width.
        self._before = np.r_[0, np.cumsum(ours)]
        self._widest = widest

    def over(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return ``rows``, ascending and each once, with the rows of the gaps that are closed."""
        if len(rows) == 0:
            return rows
        left, right = rows[:-1], rows[1:]
        width = right - left - 1
        ours = self._before[right] - self._before[left + 1]
        is_open = (width > self._widest) | (ours < width)
        starts = np.r_[rows[0], right[is_open]]
        stops = np.r_[left[is_open], rows[-1]] + 1
        return _filled(starts, stops)


def _filled(starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return every row of the ranges, one range after the other."""
    lengths = stops - starts
    begins = np.cumsum(lengths) - lengths
    result: NDArray[np.int64] = np.arange(lengths.sum()) + np.repeat(starts - begins, lengths)
    return result
