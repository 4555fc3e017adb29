"""Ladders: the resting orders of one contract and side, in the order in which the market reaches them.

Stops that are not triggered have ladders of their own, so a contract has four.  A *level* is a number of
paise with a sign that makes every ladder ascend: of two orders the one with the lower level is reached
first, and the market reaches all orders up to its own level.

| ladder         | level of an order | level of the market |
| -------------- | ----------------- | ------------------- |
| purchases      | -limit            | -ask                |
| sales          | limit             | bid                 |
| purchase stops | trigger           | last                |
| sale stops     | -trigger          | -last               |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.exchange.matching import touch_paise

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: One ladder.  ``row`` is that of its contract in the universe, -1 where it is not listed.
LADDER = np.dtype([("row", "<i8"), ("is_buy", "?"), ("is_stopped", "?"), ("level", "<i8")])
#: A place on a ladder: orders behind it have a higher level, or the same one and a later time priority.
PLACE = np.dtype([("level", "<i8"), ("time_priority", "<i8")])
#: One order on a page of ladders.  ``ladder`` is the position of its ladder.
RUNG = np.dtype(
    [
        ("ladder", "<i8"),
        ("id", "<i8"),
        ("level", "<i8"),
        ("time_priority", "<i8"),
        ("leaves", "<i8"),
    ]
)

#: Below every order.
_NONE = np.iinfo(np.int64).min
_IS_BUY = np.array([True, True, False, False])
_IS_STOPPED = np.array([True, False, True, False])


def ladders_of(rows: NDArray[np.int64], quotes: NDArray[np.void]) -> NDArray[np.void]:
    """Return the four ladders of each contract with the level of its quote, save those without a price."""
    ladders = np.zeros(4 * len(rows), LADDER)
    ladders["row"] = np.repeat(rows, 4)
    ladders["is_buy"] = np.tile(_IS_BUY, len(rows))
    ladders["is_stopped"] = np.tile(_IS_STOPPED, len(rows))
    ladders["level"] = market_levels(ladders, np.repeat(quotes, 4))
    return ladders[ladders["level"] > _NONE]


def start_of(count: int) -> NDArray[np.void]:
    """Return the places before the first order of so many ladders."""
    places = np.zeros(count, PLACE)
    places["level"] = places["time_priority"] = _NONE
    return places


def market_levels(ladders: NDArray[np.void], quotes: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the level up to which the quote of each ladder reaches.

    Without a price it reaches no order; a crossed quote triggers stops and trades nothing.
    """
    is_buy, is_stopped = ladders["is_buy"], ladders["is_stopped"]
    price = np.where(is_stopped, quotes["last"], touch_paise(quotes, is_buy)).astype(np.int64)
    levels: NDArray[np.int64] = np.where(is_buy == is_stopped, price, -price)
    levels[price <= 0] = _NONE
    return levels


def cut(rungs: NDArray[np.void], room: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which orders of a page the room of their ladder lets trade, the first ones first.

    ``rungs`` are sorted by ladder and rank; ``room`` is the number of units of each ladder.
    """
    ladder, leaves = rungs["ladder"], rungs["leaves"]
    before = np.cumsum(leaves) - leaves
    first = np.searchsorted(ladder, ladder)
    is_within: NDArray[np.bool_] = before - before[first] < room[ladder]
    return is_within
