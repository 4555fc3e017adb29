"""What the paper exchange trades an order at: the far side of the quote, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Stands for the absent limit of an order at market; above any price in paise.
NO_LIMIT = np.iinfo(np.int64).max


def touch_paise(quotes: NDArray[np.void], is_buy: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the price that each order would trade at: ask for a purchase, bid for a sale.

    Zero where that side of the quote is empty or the quote is crossed.
    """
    bid, ask = quotes["bid"].astype(np.int64), quotes["ask"].astype(np.int64)
    crossed = (bid > 0) & (ask > 0) & (bid > ask)
    return np.where(crossed, 0, np.where(is_buy, ask, bid))


def fill_paise(
    touch: NDArray[np.int64], is_buy: NDArray[np.bool_], limit_paise: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the fill price of each order in paise, zero for those that do not trade.

    ``limit_paise`` is :data:`NO_LIMIT` for a purchase and zero for a sale at market.  A marketable
    limit order trades at the touch, which is never worse than its limit.
    """
    crosses = np.where(is_buy, touch <= limit_paise, touch >= limit_paise)
    return np.where(crosses & (touch > 0), touch, 0)
