"""What a quote is good for: the price it stands for, or the reason why it stands for none."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from angel_x.domain.pricing.iv_status import IvStatus
from angel_x.domain.pricing.pricing_status import MarketStatus
from angel_x.domain.quotes.quote import mids_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_PAISE_PER_RUPEE = 100.0


class QuoteAge(NamedTuple):
    """Until when a quote is believed."""

    #: Wall clock in milliseconds since the epoch.
    now_ms: int
    #: Seconds; infinite where no quote grows old.
    most: float

    def is_stale(self, quotes: NDArray[np.void]) -> Flags | bool:
        """Return which quotes are too old, or from the future: such a clock is wrong, and they would never grow old."""
        if math.isinf(self.most):
            return False
        is_stale: Flags = np.abs(self.now_ms - quotes["time"]) > 1000.0 * self.most
        return is_stale


class Marks(NamedTuple):
    """One row a quote."""

    #: Rupees, as in ``mid_paise``; NaN where :attr:`status` is not zero.
    price: Floats
    #: Ask less bid in rupees, infinite where the price is a last price.
    spread: Floats
    #: Zero, or why there is no price.
    status: NDArray[np.int8]


def marks_of(quotes: NDArray[np.void], age: QuoteAge) -> Marks:
    """Judge every quote by itself.

    A quote that is stale, crossed or below zero anywhere is believed in nothing: its last price is
    as old or as wrong as the rest.
    """
    bid, ask, last = (quotes[name].astype(np.float64) for name in ("bid", "ask", "last"))
    two_sided = (bid > 0.0) & (ask >= bid)
    price = mids_of(bid, ask, last) / _PAISE_PER_RUPEE
    spread = np.where(two_sided, (ask - bid) / _PAISE_PER_RUPEE, np.inf)
    status = np.zeros(len(quotes), np.int8)
    # The reason written last is the one that is given.
    status[np.isnan(price)] = MarketStatus.NO_QUOTE
    status[(bid > ask) & (ask > 0.0)] = MarketStatus.CROSSED_QUOTE
    status[np.minimum(np.minimum(bid, ask), last) < 0.0] = IvStatus.NEGATIVE_PRICE
    status[age.is_stale(quotes)] = MarketStatus.STALE_QUOTE
    status[quotes["time"] <= 0] = MarketStatus.NO_QUOTE
    price[status != 0] = np.nan
    return Marks(price, spread, status)


def last_prices(quotes: NDArray[np.void], age: QuoteAge) -> Floats:
    """Return the last price of each quote in rupees, NaN where there is none or it is stale."""
    last = quotes["last"].astype(np.float64)
    unbelieved = (last <= 0.0) | (quotes["time"] <= 0) | age.is_stale(quotes)
    return np.where(unbelieved, np.nan, last) / _PAISE_PER_RUPEE
