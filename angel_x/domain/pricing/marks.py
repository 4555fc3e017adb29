"""Marks: the price of a quote for valuation, or the status of a quote without one."""

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
    """The age limit of quotes."""

    #: Wall clock in milliseconds since the epoch.
    now_ms: int
    #: Seconds; infinite where quotes do not become stale.
    most: float

    def is_stale(self, quotes: NDArray[np.void]) -> Flags | bool:
        """Return which quotes are too old or too far in the future: their clock is wrong."""
        if math.isinf(self.most):
            return False
        is_stale: Flags = np.abs(self.now_ms - quotes["time"]) > 1000.0 * self.most
        return is_stale


class Marks(NamedTuple):
    """One row for each quote."""

    #: Rupees, as in ``mid_paise``; NaN where :attr:`status` is not zero.
    price: Floats
    #: Ask less bid in rupees, infinite where the price is a last price.
    spread: Floats
    #: Zero, or the reason of a missing price: a code of ``IvStatus`` or ``MarketStatus``.
    status: NDArray[np.int8]


def marks_of(quotes: NDArray[np.void], age: QuoteAge) -> Marks:
    """Return the mark of every quote.

    A quote that is stale, crossed or negative in any price has no mark: its last price is as old or
    as wrong as the rest.
    """
    bid, ask, last = (quotes[name].astype(np.float64) for name in ("bid", "ask", "last"))
    two_sided = (bid > 0.0) & (ask >= bid)
    price = mids_of(bid, ask, last) / _PAISE_PER_RUPEE
    spread = np.where(two_sided, (ask - bid) / _PAISE_PER_RUPEE, np.inf)
    status = np.zeros(len(quotes), np.int8)
    # A later assignment replaces an earlier reason.
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
    invalid = (last <= 0.0) | (quotes["time"] <= 0) | age.is_stale(quotes)
    return np.where(invalid, np.nan, last) / _PAISE_PER_RUPEE
