"""Displayed size: the units that a quote offers, and their distribution over orders.

The displayed size of a quote is available once, for all orders of all batches and processes.  The
units taken are kept on a :class:`LiquidityBoard` until a new quote of that side arrives.  A quote is
new if its price, its size or the traded volume differs: the feed repeats unchanged quotes every two
seconds with a later time, which adds no liquidity.

A side that has a price and no size comes from a source that gives none.  It is taken to display
the freeze quantity, the largest size of one order; recordings have no sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

#: The demand of the orders of one contract and side from one quote.  ``price``, ``size`` and
#: ``volume`` identify the quote, ``time`` orders two of them; quantities are units.
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
    """The units taken of each quote.  If it is lost, every quote is available in full again."""

    def take(self, universe: Universe, claims: NDArray[np.void]) -> NDArray[np.int64]:
        """Take the wanted or else the remaining units of each claim; return the units granted.

        Atomic: two processes together never get more than was displayed, nor do two claims of one
        contract and side.  Of a quote that a newer one has replaced, none remain.
        """

    def left(self, universe: Universe, claims: NDArray[np.void]) -> NDArray[np.int64]:
        """Return the units that :meth:`take` would grant; nothing is taken."""


def claims_of(
    ranked: NDArray[np.void],
    quotes: NDArray[np.void],
    ahead: NDArray[np.int64],
    universe: Universe,
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Return one claim for each contract, side and place in the queue, and the position of its first order.

    ``ranked`` orders are sorted by contract, side and priority; ``ahead`` are the units of other
    orders that are served before each.  Only whole lots of the displayed size are available.
    """
    keys = ranked["row"] * 2 + ranked["is_buy"]
    is_first = np.ones(len(ranked), np.bool_)
    is_first[1:] = (keys[1:] != keys[:-1]) | (ahead[1:] != ahead[:-1])
    starts = np.flatnonzero(is_first)
    claims = displayed(ranked["row"][starts], ranked["is_buy"][starts], quotes[starts], universe)
    claims["displayed"] = np.maximum(claims["displayed"] - ahead[starts], 0)
    claims["wanted"] = np.add.reduceat(ranked["leaves"], starts)
    return claims, starts


def displayed(
    rows: NDArray[np.int64],
    is_buy: NDArray[np.bool_],
    quotes: NDArray[np.void],
    universe: Universe,
) -> NDArray[np.void]:
    """Return a claim on all that the quote of each contract displays for a side."""
    claims = np.zeros(len(rows), CLAIM)
    claims["row"], claims["is_buy"] = rows, is_buy
    claims["time"], claims["volume"] = quotes["time"], quotes["volume"]
    claims["price"] = np.where(is_buy, quotes["ask"], quotes["bid"])
    claims["size"] = np.where(is_buy, quotes["ask_size"], quotes["bid_size"])
    claims["displayed"] = claims["wanted"] = _whole_lots(claims, universe)
    return claims


def lots_displayed(
    touches: NDArray[np.void], quotes: NDArray[np.void], universe: Universe
) -> NDArray[np.int64]:
    """Return the lots that the quote of each contract displays for a side."""
    rows = touches["row"]
    units = displayed(rows, touches["is_buy"], quotes, universe)["displayed"]
    lots: NDArray[np.int64] = units // universe.lot_size[rows]
    return lots


def shared(
    leaves: NDArray[np.int64], starts: NDArray[np.int64], granted: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the units of each ranked order: the grant goes to the first ones first."""
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
