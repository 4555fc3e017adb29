"""Displayed size: what a quote has for our orders, and how they share it.

The size that a quote displays is there once, for all orders of all batches and processes.  What
they took is remembered on a :class:`LiquidityBoard` until a new quote of that side comes.  A quote
is new if its price, its size or the traded volume differs: the feed says the same again every two
seconds, with a later time, and that brings nobody to the market.

A side that has a price and no size comes from a source that gives none.  It is taken to display
the freeze quantity, the most that one order may ask for, as recordings do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

#: What the orders of one contract and side want of one quote.  ``price``, ``size`` and ``volume``
#: tell the quote from others, its ``time`` which of two is the newer; quantities are units.
CLAIM = np.dtype(
    [
        ("row", "<i4"),
        ("is_buy", "<i4"),
        ("time", "<i8"),
        ("price", "<i4"),
        ("size", "<i4"),
        ("volume", "<i8"),
        ("displayed", "<i8"),
        ("wanted", "<i8"),
    ]
)


class LiquidityBoard(Protocol):
    """How much of each quote has been taken.  Losing it only starts every quote afresh."""

    def take(self, universe: Universe, claims: NDArray[np.void]) -> NDArray[np.int64]:
        """Take what is wanted, or what is left, of each claim; return the units granted.

        All at once: two processes together never get more than was displayed.  A quote that a
        newer one has replaced has nothing left.
        """


def claims_of(
    ranked: NDArray[np.void], quotes: NDArray[np.void], universe: Universe
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Return one claim for each contract and side, and the position of its first order.

    ``ranked`` orders stand by contract, side and priority.  Whole lots only: an odd rest of the
    displayed size is nobody's.
    """
    keys = ranked["row"] * 2 + ranked["is_buy"]
    is_first = np.ones(len(ranked), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    starts = np.flatnonzero(is_first)
    quote, is_buy = quotes[starts], ranked["is_buy"][starts]
    claims = np.zeros(len(starts), CLAIM)
    claims["row"], claims["is_buy"] = ranked["row"][starts], is_buy
    claims["time"], claims["volume"] = quote["time"], quote["volume"]
    claims["price"] = np.where(is_buy, quote["ask"], quote["bid"])
    claims["size"] = np.where(is_buy, quote["ask_size"], quote["bid_size"])
    claims["displayed"] = _whole_lots(claims, universe)
    claims["wanted"] = np.add.reduceat(ranked["leaves"], starts)
    return claims, starts


def shared(
    leaves: NDArray[np.int64], starts: NDArray[np.int64], granted: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the units that each ranked order gets of what was granted, the first ones first."""
    before = np.cumsum(leaves) - leaves
    counts = np.diff(starts, append=len(leaves))
    left: NDArray[np.int64] = np.repeat(granted + before[starts], counts) - before
    return np.clip(left, 0, leaves)


def _whole_lots(claims: NDArray[np.void], universe: Universe) -> NDArray[np.int64]:
    rows, size = claims["row"], claims["size"].astype(np.int64)
    size = np.where(size == 0, universe.freeze_quantity[rows], size)
    lot = universe.lot_size[rows]
    whole: NDArray[np.int64] = size // lot * lot
    return whole
