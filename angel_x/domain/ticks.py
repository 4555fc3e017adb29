"""The tick buffer: takes quotes one by one, keeps running statistics, hands on what has moved.

The latest quote of a row replaces the one before it, so what waits is never longer than the number
of rows, nor than the capacity.  Where the capacity is reached, the row that has waited longest
leaves the queue; its quote stays in :meth:`TickBuffer.latest` and waits again with its next tick.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.quote import QUOTE

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLUSH_MILLISECONDS = 100
FLUSH_TICKS = 50


@dataclass(frozen=True, slots=True)
class TickStatistics:
    """What the last prices of one row have done since the buffer was made, in paise."""

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
        self._count = np.zeros(rows, np.int64)
        self._high = np.zeros(rows, np.int32)
        self._low = np.full(rows, np.iinfo(np.int32).max, np.int32)
        self._total = np.zeros(rows, np.int64)
        self._window = np.zeros((rows, window), np.int32)
        self._window_total = np.zeros(rows, np.int64)
        self._waiting = np.zeros(rows, np.bool_)
        # The rows that wait, oldest first, in a ring.
        self._ring = np.zeros(capacity, np.int64)
        self._head = 0
        self._length = 0
        self._ticks = 0
        self._drained_at = 0
        self._dropped = 0

    @property
    def capacity(self) -> int:
        """How many rows may wait."""
        return len(self._ring)

    @property
    def dropped(self) -> int:
        """How often a row left the queue because the capacity was reached."""
        return self._dropped

    def add_tick(self, row: int, quote: NDArray[np.void] | np.void) -> None:
        """Take one quote."""
        with self._lock:
            self._add_one(row, quote)

    def add_ticks_batch(self, rows: NDArray[np.int64], quotes: NDArray[np.void]) -> None:
        """Take one quote a row, in this order; a row may come more than once."""
        with self._lock:
            fresh = np.unique(rows[~self._waiting[rows]])
            if self._length + len(fresh) > self.capacity:
                # Which row leaves depends on the order of the ticks: they are taken one by one.
                for row, quote in zip(rows.tolist(), quotes, strict=True):
                    self._add_one(row, quote)
                return
            for positions in _rounds(rows):
                self._add_distinct(rows[positions], quotes[positions])

    def statistics(self, row: int) -> TickStatistics:
        """Return the running statistics of a row."""
        with self._lock:
            count = int(self._count[row])
            if count == 0:
                return TickStatistics(0, 0, 0, 0, float("nan"))
            in_window = min(count, self._window.shape[1])
            return TickStatistics(
                count=count,
                high=int(self._high[row]),
                low=int(self._low[row]),
                total=int(self._total[row]),
                moving_average=int(self._window_total[row]) / in_window,
            )

    def is_due(self, now_ms: int) -> bool:
        """Say whether what waits should be drained.

        Enough ticks came, enough time passed since the last drain, or there is no more room.
        """
        with self._lock:
            if self._ticks >= FLUSH_TICKS or self._length == self.capacity:
                return True
            return self._ticks > 0 and now_ms - self._drained_at >= FLUSH_MILLISECONDS

    def drain(self, now_ms: int) -> tuple[NDArray[np.int64], NDArray[np.void]]:
        """Return the rows that moved since the last drain, ascending, and their latest quotes."""
        with self._lock:
            rows = np.flatnonzero(self._waiting)
            self._waiting[rows] = False
            self._head = self._length = self._ticks = 0
            self._drained_at = now_ms
            return rows, self._latest[rows]

    def latest(self) -> tuple[NDArray[np.int64], NDArray[np.void]]:
        """Return every row that ever had a quote, ascending, and its latest one."""
        with self._lock:
            rows = np.flatnonzero(self._latest["time"])
            return rows, self._latest[rows]

    def _add_one(self, row: int, quote: NDArray[np.void] | np.void) -> None:
        self._latest[row] = quote
        self._ticks += 1
        self._enqueue(row)
        price = int(quote["last"])
        if price <= 0:
            return
        slot = self._count[row] % self._window.shape[1]
        self._window_total[row] += price - self._window[row, slot]
        self._window[row, slot] = price
        self._high[row] = max(self._high[row], price)
        self._low[row] = min(self._low[row], price)
        self._total[row] += price
        self._count[row] += 1

    def _add_distinct(self, rows: NDArray[np.int64], quotes: NDArray[np.void]) -> None:
        fresh = rows[~self._waiting[rows]]
        self._latest[rows] = quotes
        self._ticks += len(rows)
        self._waiting[fresh] = True
        self._ring[(self._head + self._length + np.arange(len(fresh))) % self.capacity] = fresh
        self._length += len(fresh)
        traded = quotes["last"] > 0
        self._count_prices(rows[traded], quotes["last"][traded])

    def _count_prices(self, rows: NDArray[np.int64], prices: NDArray[np.int32]) -> None:
        slots = self._count[rows] % self._window.shape[1]
        self._window_total[rows] += prices - self._window[rows, slots].astype(np.int64)
        self._window[rows, slots] = prices
        self._high[rows] = np.maximum(self._high[rows], prices)
        self._low[rows] = np.minimum(self._low[rows], prices)
        self._total[rows] += prices
        self._count[rows] += 1

    def _enqueue(self, row: int) -> None:
        if self._waiting[row]:
            return
        if self._length == self.capacity:
            self._waiting[self._ring[self._head]] = False
            self._head = (self._head + 1) % self.capacity
            self._length -= 1
            self._dropped += 1
        self._ring[(self._head + self._length) % self.capacity] = row
        self._length += 1
        self._waiting[row] = True


def _rounds(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Split positions so that no row comes twice in one round and every row keeps its order."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(rows) else order
    if len(starts) == len(rows):
        return [np.arange(len(rows))] if len(rows) else []
    lengths = np.diff(np.r_[starts, len(rows)])
    occurrence = np.empty(len(rows), np.int64)
    occurrence[order] = np.arange(len(rows)) - np.repeat(starts, lengths)
    by_round = np.argsort(occurrence, kind="stable")
    return np.split(by_round, np.cumsum(np.bincount(occurrence))[:-1])
