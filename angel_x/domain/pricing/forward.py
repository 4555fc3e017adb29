"""The forward of each expiry as its own options imply it, by put-call parity near the money.

On NSE chains spot and a flat rate put call and put volatilities about two points apart; the implied forward closes the
gap, because futures carry what the rate does not know: dividends, funding and demand.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from angel_x.domain.pricing.contracts import Flags, Floats

#: How many strikes nearest to the spot are asked, and how few answers still make a median.
STRIKES_ASKED = 6
FEWEST_STRIKES = 3
# A forward farther from the spot than this, in logarithm, is a fault of the quotes: 5 % and 50 % a year.
_WIDEST_BASIS = 0.05
_STEEPEST_CARRY = 0.5


class ForwardSource(IntEnum):
    """Where a forward came from; codes are stored as int8 and keep their numbers."""

    #: Median of strike + (call - put) exp(rate * years) over the strikes nearest to the spot.
    PARITY = 0
    #: spot * exp((rate - dividend_yield) * years), for want of quotes.
    SPOT_CARRY = 1


class ChainQuotes(NamedTuple):
    """One row per contract, in any order; a price that is missing is NaN or zero."""

    #: Row of the contract's expiry in :class:`Expiries`.
    expiry: NDArray[np.intp]
    strike: Floats
    is_call: Flags
    bid: Floats
    ask: Floats
    last: Floats
    #: Whether the quote is recent enough to be believed.
    fresh: Flags


class Expiries(NamedTuple):
    """One row per underlying and expiry."""

    spot: Floats
    years: Floats
    rate: Floats
    dividend_yield: Floats


class _Pairs(NamedTuple):
    """Calls and puts of one strike, both with a price."""

    expiry: NDArray[np.intp]
    strike: Floats
    call_less_put: Floats

    def rows(self, chosen: Flags | NDArray[np.intp]) -> _Pairs:
        return _Pairs(self.expiry[chosen], self.strike[chosen], self.call_less_put[chosen])


def implied_forwards(quotes: ChainQuotes, expiries: Expiries) -> tuple[Floats, NDArray[np.int8]]:
    """Return the forward of every expiry and its :class:`ForwardSource` code.

    A quote counts with the middle of bid and ask when both are there and not crossed, else with the last price.
    """
    with np.errstate(all="ignore"):
        forward = _carried(expiries)
        parity = _parity(_nearest(_pairs(quotes), expiries.spot), expiries)
        basis = np.abs(np.log(parity / expiries.spot))
        believed = basis <= _WIDEST_BASIS + _STEEPEST_CARRY * expiries.years
    believed &= expiries.years > 0.0
    source = np.where(believed, ForwardSource.PARITY, ForwardSource.SPOT_CARRY)
    return np.where(believed, parity, forward), source.astype(np.int8)


def mark_prices(quotes: ChainQuotes) -> Floats:
    """Return the price that each quote counts with, NaN where it has none."""
    two_sided = (quotes.bid > 0.0) & (quotes.ask >= quotes.bid) & np.isfinite(quotes.ask)
    traded = (quotes.last > 0.0) & np.isfinite(quotes.last)
    last = np.where(traded, quotes.last, np.nan)
    marks = np.where(two_sided, 0.5 * (quotes.bid + quotes.ask), last)
    return np.where(quotes.fresh, marks, np.nan)


def _carried(expiries: Expiries) -> Floats:
    years = np.maximum(expiries.years, 0.0)
    return expiries.spot * np.exp((expiries.rate - expiries.dividend_yield) * years)


def _pairs(quotes: ChainQuotes) -> _Pairs:
    order = np.lexsort((quotes.is_call, quotes.strike, quotes.expiry))
    expiry, strike, marks = quotes.expiry[order], quotes.strike[order], mark_prices(quotes)[order]
    is_call = quotes.is_call[order]
    # Sorted, the put of a strike stands right before its call.
    met = (expiry[1:] == expiry[:-1]) & (strike[1:] == strike[:-1]) & is_call[1:] & ~is_call[:-1]
    pairs = _Pairs(expiry[1:], strike[1:], marks[1:] - marks[:-1])
    return pairs.rows(met & np.isfinite(pairs.call_less_put))


def _nearest(pairs: _Pairs, spot: Floats) -> _Pairs:
    """Return the pairs nearest to the spot, at most STRIKES_ASKED of each expiry, sorted by expiry."""
    distance = np.abs(pairs.strike - spot[pairs.expiry])
    pairs = pairs.rows(np.lexsort((distance, pairs.expiry)))
    return pairs.rows(_rank_in_group(pairs.expiry) < STRIKES_ASKED)


def _parity(pairs: _Pairs, expiries: Expiries) -> Floats:
    """Return the median implied forward of each expiry, NaN with fewer than FEWEST_STRIKES pairs."""
    growth = np.exp(expiries.rate * expiries.years)[pairs.expiry]
    table = np.full((expiries.spot.size, STRIKES_ASKED), np.nan)
    table[pairs.expiry, _rank_in_group(pairs.expiry)] = pairs.strike + pairs.call_less_put * growth
    forward = np.full(expiries.spot.size, np.nan)
    answered = np.isfinite(table).sum(axis=1) >= FEWEST_STRIKES
    forward[answered] = np.nanmedian(table[answered], axis=1)
    return forward


def _rank_in_group(group: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the position of each row within its group, in an array sorted by group."""
    return np.arange(group.size) - np.searchsorted(group, group)
