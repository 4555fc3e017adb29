"""The matching of the paper exchange on columns: trigger, crossing, price, priority.

Prices are whole paise, zero for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: One order.  ``row`` is its row in the universe, -1 where the contract is not listed.  A ``limit`` of
#: zero is that of an order at market without a protection limit.
ORDER = np.dtype(
    [
        ("id", "<i8"),
        ("row", "<i8"),
        ("is_buy", "?"),
        ("limit", "<i8"),
        ("trigger", "<i8"),
        # A stop order that is not triggered.
        ("is_stopped", "?"),
        ("leaves", "<i8"),
        ("filled", "<i8"),
        ("time_priority", "<i8"),
    ]
)


#: The touch of one contract and side, for orders of that side.  It has units for at most ``most`` orders.
TOUCH = np.dtype([("row", "<i8"), ("is_buy", "?"), ("price", "<i8"), ("most", "<i8")])


def touch_paise(quotes: NDArray[np.void], is_buy: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the touch of each order: ask for a purchase, bid for a sale.

    Zero where that side of the quote is empty or the quote is crossed.
    """
    bid, ask = quotes["bid"].astype(np.int64), quotes["ask"].astype(np.int64)
    crossed = (bid > 0) & (ask > 0) & (bid > ask)
    return np.where(crossed, 0, np.where(is_buy, ask, bid))


def triggered(orders: NDArray[np.void], last: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which orders are active: all but stops whose trigger the last price has not reached."""
    is_buy, trigger = orders["is_buy"], orders["trigger"]
    reached = np.where(is_buy, last >= trigger, last <= trigger) & (last > 0)
    return ~orders["is_stopped"] | reached


def crosses(orders: NDArray[np.void], touch: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which orders are marketable at the touch."""
    within = np.where(orders["is_buy"], touch <= orders["limit"], touch >= orders["limit"])
    return within & (touch > 0)


def slipped_paise(
    orders: NDArray[np.void], touch: NDArray[np.int64], slip: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the fill price of marketable orders: ``slip`` paise behind the touch, within the limit."""
    limit = orders["limit"]
    bought, sold = np.minimum(touch + slip, limit), np.maximum(touch - slip, limit)
    result: NDArray[np.int64] = np.where(orders["is_buy"], bought, sold)
    return result


def traded_paise(
    orders: NDArray[np.void],
    touch: NDArray[np.int64],
    slip: NDArray[np.int64],
    rests: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Return the fill price of marketable orders.

    An order that comes in trades at the touch.  One that rests was hit at its own limit before the
    market could stand beyond it.
    """
    return np.where(rests, orders["limit"], slipped_paise(orders, touch, slip))


def by_priority(orders: NDArray[np.void], rests: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the positions of the orders sorted by contract and side, then by price, then by time.

    The price of an order at market is its protection limit.  At one price, orders that rest were in
    the market before orders that come in.
    """
    limit = orders["limit"]
    cost = np.where(orders["is_buy"], -limit, limit)
    return np.lexsort((orders["time_priority"], ~rests, cost, orders["is_buy"], orders["row"]))


def units_ahead(ranked: NDArray[np.void], is_other: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the open units of other orders before each order, of its contract and side.

    ``ranked`` orders are sorted by contract, side and priority.
    """
    keys = ranked["row"] * 2 + ranked["is_buy"]
    before = np.cumsum(np.where(is_other, ranked["leaves"], 0))
    starts = np.searchsorted(keys, keys)
    ahead: NDArray[np.int64] = before - np.where(starts, before[starts - 1], 0)
    return ahead
