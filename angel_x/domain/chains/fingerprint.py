"""Fingerprints: one number for each chain that changes with the prices behind its Greeks.

The fingerprint is published with the Greeks, so that the next refresh, in any process, can find the
chains that have moved since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe
    from angel_x.domain.pricing.marks import QuoteAge
    from angel_x.domain.quotes.quote import MarketQuotes

    Words = NDArray[np.uint64]

# Odd numbers without a pattern, from the finalizer of SplitMix64.
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def fingerprints(universe: Universe, chains: slice, market: MarketQuotes, age: QuoteAge) -> Words:
    """Return one number for each of these chains, whose rows ``market.quotes`` holds.

    It changes with a bid, ask or last price of a row, of the underlying or of the future, and when a
    quote becomes stale or is no longer stale; not with sizes, open interest or a tick that repeats
    the price.
    """
    members = universe.chains[chains]
    if not members:
        return np.zeros(0, np.uint64)
    first = members[0].start
    starts = np.array([chain.start - first for chain in members])
    owners = universe.underlying_index[starts + first]
    # The place of a row does not depend on the run of chains that is read.
    rows = _prices(market.quotes, age, first)
    spots = _prices(market.spots, age)[owners]
    futures = _prices(market.futures, age)[chains]
    return _mixed(np.add.reduceat(rows, starts) + _mixed(spots) + _mixed(_mixed(futures)))


def _prices(quotes: NDArray[np.void], age: QuoteAge, first: int = 0) -> Words:
    """Return a number for each quote that depends on its prices and on its place."""
    place = np.arange(first, first + len(quotes), dtype=np.uint64) * _STEP
    two_sided = _word(quotes["bid"]) << np.uint64(32) | _word(quotes["ask"])
    known = ((quotes["time"] > 0) & ~np.asarray(age.is_stale(quotes))).astype(np.uint64)
    return _mixed(_mixed(two_sided + place) + (_word(quotes["last"]) << np.uint64(1) | known))


def _word(paise: NDArray[np.int32]) -> Words:
    return paise.astype(np.uint32).astype(np.uint64)


def _mixed(words: Words) -> Words:
    """Spread every bit over all the others."""
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    mixed: Words = words ^ (words >> np.uint64(31))
    return mixed
