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

#: The same bytes without fields.  numpy copies these at once, but a QUOTE field by field: about ten
#: times slower wherever rows are picked.
RECORD = np.dtype((np.void, QUOTE.itemsize))


class MarketQuotes(NamedTuple):
    """What the market says at one moment, one QUOTE each; zeros where it says nothing."""

    #: One a row that was asked for, in that order.
    quotes: NDArray[np.void]
    #: One an underlying of the universe.
    spots: NDArray[np.void]
    #: One a chain of the universe: the future of the same underlying and expiry.
    futures: NDArray[np.void]


def fresh(quotes: NDArray[np.void], now_ms: int, max_age_seconds: float) -> NDArray[np.bool_]:
    """Return which quotes exist and are at most ``max_age_seconds`` from ``now_ms``.

    One from further in the future comes from a clock that is wrong, and would never grow old.
    """
    times = quotes["time"]
    distance = np.abs(times - now_ms)
    result: NDArray[np.bool_] = (times > 0) & (distance <= int(max_age_seconds * 1000))
    return result


def mid_paise(quotes: NDArray[np.void]) -> NDArray[np.float64]:
    """Return the mark of each quote in paise.

    The middle of bid and ask where both stand and are not crossed, else the last price, else NaN.
    Where one side stands alone, a last price beyond it is of another time, and the side counts.
    """
    return mids_of(*(quotes[name].astype(np.float64) for name in ("bid", "ask", "last")))


def mids_of(
    bid: NDArray[np.float64], ask: NDArray[np.float64], last: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what :func:`mid_paise` does, of columns."""
    marks: NDArray[np.float64] = 0.5 * (bid + ask)
    others = np.flatnonzero((bid <= 0.0) | (ask < bid))
    marks[others] = _reached(bid[others], ask[others], last[others])
    return marks


def _reached(
    bid: NDArray[np.float64], ask: NDArray[np.float64], last: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return last prices, no farther than a side that stands alone."""
    bidden = np.where(ask > 0.0, last, np.maximum(last, bid))
    asked = np.where((ask > 0.0) & (bid <= 0.0), np.minimum(last, ask), bidden)
    return np.where(last > 0.0, asked, np.nan)
