"""The forward of each chain: implied by its options, of its future, or the spot with carry.

The sources in order of preference; the next one applies where the former has no result:

1. put-call parity over strikes near the money whose calls and puts have narrow spreads;
2. the future of the same expiry;
3. put-call parity over all marks, including last prices, which may be of different times;
4. the spot with carry.

On NSE chains spot and a flat rate put call and put volatilities about two points apart; the implied forward closes the
gap, because futures reflect dividends, funding and demand, which the flat rate does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from angel_x.domain.pricing.contracts import Flags, Floats

#: The number of strikes nearest to the spot that are used, and the fewest estimates for a median: one
#: outlier among three moves it at most by the distance of the other two.
NEAREST_STRIKES = 6
FEWEST_STRIKES = 3
#: The number of strikes on either side of the spot that count as near the money.
STRIKES_EACH_SIDE = 12
#: Call and put of a strike are tight if the sum of their spreads is at most this fraction of the
#: spot: their estimate is then wrong by an eighth of a percent at most.
WIDEST_SPREAD = 0.0025
# Estimates beyond this log distance from the spot are rejected as faulty quotes: 5 % plus 50 % a year.
_WIDEST_BASIS = 0.05
_STEEPEST_CARRY = 0.5


class ForwardSource(IntEnum):
    """The source of a forward; codes are stored as int8 and keep their numbers."""

    #: Median of strike + (call - put) exp(rate * years) over the strikes nearest to the spot.
    PARITY = 0
    #: spot * exp(rate * years), the last resort.
    SPOT_CARRY = 1
    #: The price of the future of the same expiry.
    FUTURES = 2


class Pairs(NamedTuple):
    """The call and the put of each strike, sorted by chain and strike; a missing price is NaN."""

    #: Row of :class:`Chains`.
    chain: NDArray[np.intp]
    strike: Floats
    call: Floats
    put: Floats
    #: The sum of both spreads; infinite where the call or the put lacks a bid or an ask.
    spread: Floats


class Chains(NamedTuple):
    """One row per underlying and expiry; a missing price is NaN."""

    spot: Floats
    years: Floats
    future: Floats
    #: The discount rate, which is also the growth rate of ``SPOT_CARRY``.
    rate: float


class _Window(NamedTuple):
    """Estimates of the strikes around the spot, one row for each chain."""

    #: Distance from the spot; infinite where there is no estimate.
    distance: Floats
    forward: Floats
    is_tight: Flags


def implied_forwards(pairs: Pairs, chains: Chains) -> tuple[Floats, NDArray[np.int8]]:
    """Return the forward of every chain, NaN without a spot, and its :class:`ForwardSource` code.

    The forward of an expired chain is its spot.
    """
    with np.errstate(all="ignore"):
        forward = chains.spot * np.exp(chains.rate * np.maximum(chains.years, 0.0))
        source = np.full(forward.size, ForwardSource.SPOT_CARRY, np.int8)
        is_open = np.isfinite(forward) & (chains.years > 0.0)
        for estimate, its_source in _estimates(pairs, chains):
            if not is_open.any():
                break
            accepted = is_open & _is_plausible(estimate, chains)
            forward[accepted] = estimate[accepted]
            source[accepted] = its_source
            is_open &= ~accepted
    return forward, source


def _estimates(pairs: Pairs, chains: Chains) -> Iterator[tuple[Floats, ForwardSource]]:
    """Yield estimates of all forwards, the best source first; most chains need no second one."""
    window = _window(pairs, chains)
    tight = np.where(window.is_tight, window.distance, np.inf)
    yield _nearest_median(tight, window.forward), ForwardSource.PARITY
    yield chains.future, ForwardSource.FUTURES
    yield _nearest_median(window.distance, window.forward), ForwardSource.PARITY


def _is_plausible(forward: Floats, chains: Chains) -> Flags:
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
    """Return the median of the estimates nearest to the spot; NaN of fewer than FEWEST_STRIKES."""
    chain = np.arange(len(distance))
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :NEAREST_STRIKES]
    exists = np.isfinite(distance[chain[:, None], nearest])
    estimates = np.where(exists, forward[chain[:, None], nearest], np.inf)
    estimates.sort(axis=1)
    count = exists.sum(axis=1)
    lower = estimates[chain, np.maximum(count - 1, 0) // 2]
    upper = estimates[chain, np.minimum(count // 2, NEAREST_STRIKES - 1)]
    return np.where(count >= FEWEST_STRIKES, 0.5 * (lower + upper), np.nan)
