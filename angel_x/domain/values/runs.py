"""Runs of consecutive rows, which are written in one piece, and the narrow gaps between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Bridge:
    """Closes narrow gaps between rows where every row of the gap may be written again.

    Args:
        ours: Whether each row may be written.
        widest: The most rows of a gap.
    """

    def __init__(self, ours: NDArray[np.bool_], *, widest: int) -> None:
        # The count of writable rows before each row: a gap is writable if it grows by its width.
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
