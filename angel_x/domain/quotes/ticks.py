"""The tick buffer: collects quotes, keeps running statistics and returns the rows that moved.

The latest quote of a row replaces the one before it, so at most as many rows wait as there are, and
at most as many as the capacity.  Where a tick or a batch exceeds the capacity, the rows that have
waited longest leave the queue; their quotes stay in :meth:`TickBuffer.latest` and wait again with
their next tick.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.quotes.quote import QUOTE, RECORD

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The longest time that a row waits before it is written.
FLUSH_MILLISECONDS = 100
#: The number of ticks that justifies a write, unless more ticks are available at once.
FLUSH_TICKS = 50


@dataclass(frozen=True, slots=True)
class TickStatistics:
    """Statistics of the last prices of one row since the buffer was made, in paise."""

    count: int
    #: Zero while nothing has traded, like ``low``.
    high: int
    low: int
    total: int
    #: Mean of the latest prices in the window; NaN while nothing has traded.
    moving_average: float


class TickBuffer:
    """The latest quote and the running statistics of every row.  Threads may share it.

    A tick and a read cost the same however many ticks came before.  Sums are whole paise, so a
    moving average does not drift.  A tick without a last price moves the quote, not the statistics.
    """

    def __init__(self, rows: int, *, capacity: int, window: int = 20) -> None:
        self._lock = Lock()
        self._latest = np.zeros(rows, QUOTE)
        self._records = self._latest.view(RECORD)
        self._count = np.zeros(rows, np.int64)
        self._high = np.zeros(rows, np.int32)
        self._low = np.full(rows, np.iinfo(np.int32).max, np.int32)
        self._total = np.zeros(rows, np.int64)
        #: The last ``window`` prices of each row, one after the other.
        self._window = np.zeros(rows * window, np.int32)
        self._window_size = window
        self._window_total = np.zeros(rows, np.int64)
        self._waiting = np.zeros(rows, np.bool_)
        #: Scratch for finding repeated rows in one pass.
        self._place = np.zeros(rows, np.int64)
        # The rows that wait, oldest first, in a ring.
        self._ring = np.zeros(capacity, np.int64)
        self._head = 0
        self._length = 0
        self._ticks = 0
        self._drained_at = 0
        self._dropped = 0

    @property
    def capacity(self) -> int:
        """The most rows that may wait."""
        return len(self._ring)

    @property
    def dropped(self) -> int:
        """The number of rows that left the queue because it was full."""
        return self._dropped

    def add_tick(self, row: int, quote: NDArray[np.void] | np.void) -> None:
        """Store one quote."""
        with self._lock:
            self._add_one(row, quote)

    def add_ticks_batch(self, rows: NDArray[np.int64], quotes: NDArray[np.void]) -> None:
        """Store one quote for each entry of ``rows``, in this order; a row may occur more than once."""
        with self._lock:
            # For a repeated row numpy keeps the last assignment.
            self._records[rows] = quotes.view(RECORD)
            self._ticks += len(rows)
            self._enqueue(rows)
            prices = quotes["last"]
            traded = prices > 0
            self._count_prices(rows[traded], prices[traded])

    def statistics(self, row: int) -> TickStatistics:
        """Return the running statistics of a row."""
        with self._lock:
            count = int(self._count[row])
            if count == 0:
                return TickStatistics(0, 0, 0, 0, float("nan"))
            in_window = min(count, self._window_size)
            return TickStatistics(
                count=count,
                high=int(self._high[row]),
                low=int(self._low[row]),
                total=int(self._total[row]),
                moving_average=int(self._window_total[row]) / in_window,
            )

    def is_due(self, now_ms: int, *, coming: int = 0, rest_ms: float = 0.0) -> bool:
        """Return whether the waiting rows should be drained before ``coming`` more ticks are stored.

        Without further ticks at hand, fifty of them are drained, but not within ``rest_ms`` of the
        last drain.  Under load there are always more: then a drain carries all ticks of a tenth of
        a second, or as many as the capacity allows.
        """
        with self._lock:
            if self._length and self._length + max(coming, 1) > self.capacity:
                return True
            waited = now_ms - self._drained_at
            if self._ticks >= FLUSH_TICKS and not coming and waited >= rest_ms:
                return True
            return self._ticks > 0 and waited >= FLUSH_MILLISECONDS

    def drain(self, now_ms: int) -> tuple[NDArray[np.int64], NDArray[np.void]]:
        """Return the rows that moved since the last drain, ascending, and their latest quotes."""
        with self._lock:
            rows = np.flatnonzero(self._waiting)
            self._waiting[rows] = False
            self._head = self._length = self._ticks = 0
            self._drained_at = now_ms
            return rows, self._picked(rows)

    def latest(self) -> tuple[NDArray[np.int64], NDArray[np.void]]:
        """Return every row that has had a quote, ascending, and its latest quote."""
        with self._lock:
            rows = np.flatnonzero(self._latest["time"])
            return rows, self._picked(rows)

    def _picked(self, rows: NDArray[np.int64]) -> NDArray[np.void]:
        return self._records[rows].view(QUOTE)

    def _add_one(self, row: int, quote: NDArray[np.void] | np.void) -> None:
        self._latest[row] = quote
        self._ticks += 1
        if not self._waiting[row]:
            self._append(np.array([row]))
        price = int(quote["last"])
        if price <= 0:
            return
        slot = row * self._window_size + self._count[row] % self._window_size
        self._window_total[row] += price - self._window[slot]
        self._window[slot] = price
        self._high[row] = max(self._high[row], price)
        self._low[row] = min(self._low[row], price)
        self._total[row] += price
        self._count[row] += 1

    def _enqueue(self, rows: NDArray[np.int64]) -> None:
        fresh = rows[~self._waiting[rows]]
        if len(fresh):
            self._append(fresh[self._is_first(fresh)])

    def _append(self, fresh: NDArray[np.int64]) -> None:
        """Append distinct rows to the queue; where it is full, drop those that have waited longest."""
        kept = fresh[-self.capacity :]
        leaving = max(0, self._length + len(kept) - self.capacity)
        self._dropped += leaving + len(fresh) - len(kept)
        if leaving:
            gone = self._ring[(self._head + np.arange(leaving)) % self.capacity]
            self._waiting[gone] = False
            self._head = (self._head + leaving) % self.capacity
            self._length -= leaving
        places = (self._head + self._length + np.arange(len(kept))) % self.capacity
        self._ring[places] = kept
        self._length += len(kept)
        self._waiting[kept] = True

    def _is_first(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each entry is the first of its row, without sorting."""
        numbers = np.arange(len(rows))
        self._place[rows[::-1]] = numbers[::-1]
        result: NDArray[np.bool_] = self._place[rows] == numbers
        return result

    def _count_prices(self, rows: NDArray[np.int64], prices: NDArray[np.int32]) -> None:
        np.maximum.at(self._high, rows, prices)
        np.minimum.at(self._low, rows, prices)
        # Both of one type: otherwise numpy takes forty times as long.
        np.add.at(self._total, rows, prices.astype(np.int64))
        if self._is_first(rows).all():
            self._turn_windows(rows, prices, self._count[rows])
        else:
            self._turn_windows(*self._last_of_each(rows, prices))
        np.add.at(self._count, rows, 1)

    def _last_of_each(
        self, rows: NDArray[np.int64], prices: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
        """Return the rows and prices that the windows keep, and the ordinal of each price in its row."""
        size = len(rows)
        # One sort of plain numbers orders rows and, within a row, ticks.
        keys = np.sort(rows * size + np.arange(size))
        ordered, place = np.divmod(keys, size)
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        lengths = np.diff(np.r_[starts, size])
        occurrence = np.arange(size) - np.repeat(starts, lengths)
        kept = occurrence >= np.repeat(lengths, lengths) - self._window_size
        last = ordered[kept]
        return last, prices[place[kept]], self._count[last] + occurrence[kept]

    def _turn_windows(
        self, rows: NDArray[np.int64], prices: NDArray[np.int32], numbers: NDArray[np.int64]
    ) -> None:
        """Put prices into the windows; the slots must be distinct."""
        slots = rows * self._window_size + numbers % self._window_size
        np.add.at(self._window_total, rows, prices - self._window[slots].astype(np.int64))
        self._window[slots] = prices
