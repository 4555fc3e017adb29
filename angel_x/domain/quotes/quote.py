"""A quote as one fixed-size record, so that a block of quotes is one array.

Prices are whole paise: exact, and half the size of a float.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: One quote.  ``time`` is the wall clock of receipt in milliseconds since the epoch, UTC; zero
#: means that there is no quote.  Prices are paise, zero for none; sizes, ``oi`` and ``volume`` units.
QUOTE = np.dtype(
    [
        ("time", "<i8"),
        ("bid", "<i4"),
        ("ask", "<i4"),
        ("last", "<i4"),
        ("bid_size", "<i4"),
        ("ask_size", "<i4"),
        ("oi", "<i8"),
        ("volume", "<i8"),
    ]
)

#: The same bytes without fields.  numpy copies a RECORD in one move, but a QUOTE field by field, about
#: ten times slower wherever rows are selected.
RECORD = np.dtype((np.void, QUOTE.itemsize))


class MarketQuotes(NamedTuple):
    """One reading of the quote board, one QUOTE each; zeros where there is no quote."""

    #: One for each requested row, in that order.
    quotes: NDArray[np.void]
    #: One for each underlying of the universe.
    spots: NDArray[np.void]
    #: One for each chain of the universe: the future of the same underlying and expiry.
    futures: NDArray[np.void]


def fresh(quotes: NDArray[np.void], now_ms: int, max_age_seconds: float) -> NDArray[np.bool_]:
    """Return which quotes exist and are at most ``max_age_seconds`` from ``now_ms``.

    A time further in the future comes from a wrong clock, and such a quote would never become stale.
    """
    times = quotes["time"]
    distance = np.abs(times - now_ms)
    result: NDArray[np.bool_] = (times > 0) & (distance <= int(max_age_seconds * 1000))
    return result


def mid_paise(quotes: NDArray[np.void]) -> NDArray[np.float64]:
    """Return the mark of each quote in paise.

    The middle of bid and ask where both exist and are not crossed, else the last price, else NaN.
    Where only one side exists, a last price beyond it is outdated, and the side is returned.
    """
    return mids_of(*(quotes[name].astype(np.float64) for name in ("bid", "ask", "last")))


def mids_of(
    bid: NDArray[np.float64], ask: NDArray[np.float64], last: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mark of each row of three price columns, as :func:`mid_paise` defines it."""
    marks: NDArray[np.float64] = 0.5 * (bid + ask)
    others = np.flatnonzero((bid <= 0.0) | (ask < bid))
    marks[others] = _reached(bid[others], ask[others], last[others])
    return marks


def _reached(
    bid: NDArray[np.float64], ask: NDArray[np.float64], last: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return last prices, limited by a side that has no opposite."""
    bidden = np.where(ask > 0.0, last, np.maximum(last, bid))
    asked = np.where((ask > 0.0) & (bid <= 0.0), np.minimum(last, ask), bidden)
    return np.where(last > 0.0, asked, np.nan)
