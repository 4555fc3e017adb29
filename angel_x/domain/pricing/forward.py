"""The forward of each chain: what its options imply, what its future says, or the spot with carry.

In this order, each where the one before gives nothing:

1. put-call parity over strikes near the money whose calls and puts are both bid and asked tightly;
2. the future of the same expiry;
3. put-call parity over whatever marks there are, last prices too, which need not be of one moment;
4. the spot with carry.

On NSE chains spot and a flat rate put call and put volatilities about two points apart; the implied forward closes the
gap, because futures carry what the rate does not know: dividends, funding and demand.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from angel_x.domain.pricing.contracts import Flags, Floats

#: How many strikes nearest to the spot are asked, and how few answers still make a median: one
#: absurd answer among three moves it no farther than the other two are apart.
STRIKES_ASKED = 6
FEWEST_STRIKES = 3
#: Near the money are this many strikes on either side of the spot.
STRIKES_EACH_SIDE = 12
#: Call and put of a strike are tight when both spreads together are at most this share of the spot:
#: their answer is then an eighth of a percent off at worst.
WIDEST_SPREAD = 0.0025
# A forward farther from the spot than this, in logarithm, is a fault of the quotes: 5 % and 50 % a year.
_WIDEST_BASIS = 0.05
_STEEPEST_CARRY = 0.5


class ForwardSource(IntEnum):
    """Where a forward came from; codes are stored as int8 and keep their numbers."""

    #: Median of strike + (call - put) exp(rate * years) over the strikes nearest to the spot.
    PARITY = 0
    #: spot * exp(rate * years), for want of anything better.
    SPOT_CARRY = 1
    #: The price of the future of the same expiry.
    FUTURES = 2


class Pairs(NamedTuple):
    """The call and the put of each strike, sorted by chain and strike; a price that is missing is NaN."""

    #: Row of :class:`Chains`.
    chain: NDArray[np.intp]
    strike: Floats
    call: Floats
    put: Floats
    #: Of call and put together; infinite where one of them is not both bid and asked.
    spread: Floats


class Chains(NamedTuple):
    """One row per underlying and expiry; a price that is missing is NaN."""

    spot: Floats
    years: Floats
    future: Floats
    #: Of discounting and, where nothing else is known, of growth.
    rate: float


class _Window(NamedTuple):
    """What the strikes around the spot of each chain answer, one row a chain."""

    #: From the spot; infinite where there is no answer.
    distance: Floats
    forward: Floats
    is_tight: Flags


def implied_forwards(pairs: Pairs, chains: Chains) -> tuple[Floats, NDArray[np.int8]]:
    """Return the forward of every chain, NaN without a spot, and its :class:`ForwardSource` code.

    A chain that has expired has its spot for a forward.
    """
    with np.errstate(all="ignore"):
        forward = chains.spot * np.exp(chains.rate * np.maximum(chains.years, 0.0))
        source = np.full(forward.size, ForwardSource.SPOT_CARRY, np.int8)
        is_open = np.isfinite(forward) & (chains.years > 0.0)
        for answer, its_source in _answers(pairs, chains):
            if not is_open.any():
                break
            believed = is_open & _is_believed(answer, chains)
            forward[believed] = answer[believed]
            source[believed] = its_source
            is_open &= ~believed
    return forward, source


def _answers(pairs: Pairs, chains: Chains) -> Iterator[tuple[Floats, ForwardSource]]:
    """Yield a forward for every chain, the best first; most chains need no second one."""
    window = _window(pairs, chains)
    tight = np.where(window.is_tight, window.distance, np.inf)
    yield _nearest_median(tight, window.forward), ForwardSource.PARITY
    yield chains.future, ForwardSource.FUTURES
    yield _nearest_median(window.distance, window.forward), ForwardSource.PARITY


def _is_believed(forward: Floats, chains: Chains) -> Flags:
    basis = np.abs(np.log(forward / chains.spot))
    is_near: Flags = basis <= _WIDEST_BASIS + _STEEPEST_CARRY * chains.years
    return is_near


def _window(pairs: Pairs, chains: Chains) -> _Window:
    bounds = np.searchsorted(pairs.chain, np.arange(chains.spot.size + 1))
    is_below = np.append(0, np.cumsum(pairs.strike < chains.spot[pairs.chain]))
    middle = bounds[:-1] + is_below[bounds[1:]] - is_below[bounds[:-1]]
    pair = middle[:, None] + np.arange(-STRIKES_EACH_SIDE, STRIKES_EACH_SIDE)
    exists = (pair >= bounds[:-1, None]) & (pair < bounds[1:, None])
    pair[~exists] = 0
    if not pairs.strike.size:
        nothing = np.full(pair.shape, np.nan)
        return _Window(np.full(pair.shape, np.inf), nothing, exists)
    strike, spot = pairs.strike[pair], chains.spot[:, None]
    growth = np.exp(chains.rate * chains.years)[:, None]
    forward = strike + (pairs.call - pairs.put)[pair] * growth
    distance = np.where(exists & np.isfinite(forward), np.abs(strike - spot), np.inf)
    return _Window(distance, forward, pairs.spread[pair] <= WIDEST_SPREAD * spot)


def _nearest_median(distance: Floats, forward: Floats) -> Floats:
    """Return the median of the answers nearest to the spot, NaN of fewer than FEWEST_STRIKES."""
    chain = np.arange(len(distance))
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :STRIKES_ASKED]
    answered = np.isfinite(distance[chain[:, None], nearest])
    answers = np.where(answered, forward[chain[:, None], nearest], np.inf)
    answers.sort(axis=1)
    count = answered.sum(axis=1)
    lower = answers[chain, np.maximum(count - 1, 0) // 2]
    upper = answers[chain, np.minimum(count // 2, STRIKES_ASKED - 1)]
    return np.where(count >= FEWEST_STRIKES, 0.5 * (lower + upper), np.nan)
