"""The contracts whose quotes are stored every minute, and their quotes by chain.

A contract is worth a row of its own where somebody holds it or has an order in it, and near the money,
where options are traded.  A stored contract is one number: its strike in paise, negative for a put, zero
for the future.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from angel_x.domain.contracts.contract import Right, is_future, parse_expiry, parse_symbol
from angel_x.domain.quotes.quote import mid_paise
from angel_x.domain.values.money import paise
from angel_x.errors import InvalidSymbol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

#: The nearest expiries of an underlying: nearly all volume of index options is in them.
EXPIRIES = 3
#: The strikes of an expiry nearest to the spot: 20 on either side, or 4 % of an index of 24,000 with steps
#: of 50.  A contract that was at the money today is seldom further away.
STRIKES = 41
#: Contracts of one minute, so that a day takes at most some 16 MB whatever is listed.
MOST = 2_000


class ChainMinute(NamedTuple):
    """The quotes of one chain in a minute, prices in paise; None where there is no fresh quote."""

    underlying: str
    expiry: date
    spot: int | None
    #: The listed strike nearest to the spot, the lower of two, with the prices of its call and its put.
    strike: int | None
    call: int | None
    put: int | None
    #: The contracts with a fresh quote, with price and open interest in units.
    contracts: list[int]
    prices: list[int]
    oi: list[int]


class _Chain(NamedTuple):
    """Underlying and expiry, and the listed rows of its options, which may be none."""

    underlying: str
    expiry: date
    options: slice


def contract_number(symbol: str) -> int:
    """Return the number under which the quotes of a contract are stored.

    Raises:
        InvalidSymbol: The text is no symbol, or its strike is zero.
    """
    if is_future(symbol):
        parse_expiry(symbol)
        return 0
    _, _, strike, right = parse_symbol(symbol)
    if not strike:
        raise InvalidSymbol(f"symbol must have a strike above zero, was {symbol}")
    return paise(strike) if right is Right.CALL else -paise(strike)


def sampled_rows(
    universe: Universe, spots: NDArray[np.int64], held: Collection[str], at: float
) -> NDArray[np.int64]:
    """Return the rows to sample at a time in epoch seconds, ascending, :data:`MOST` at most.

    Held contracts go first, then futures, then options by their distance from the money; of an
    underlying whose spot, in paise, is zero no option is near.  Symbols that are not listed are left out.
    """
    own = np.array([r for r in map(universe.row, held) if r is not None], np.int64)
    futures = np.arange(universe.option_count, len(universe))
    near, places = _near(universe, spots, at)
    rows = np.concatenate([own, futures, near])
    ranks = np.concatenate([np.full(len(own), -2), np.full(len(futures), -1), places])
    ordered = rows[np.argsort(ranks, kind="stable")]
    ordered = ordered[universe.expires_at[ordered] > at]
    _, first = np.unique(ordered, return_index=True)
    return np.sort(ordered[np.sort(first)[:MOST]])


def _near(
    universe: Universe, spots: NDArray[np.int64], at: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the options near the money of near expiries, with their places by distance in their chain."""
    options = np.arange(universe.option_count)
    chains, underlyings = universe.chain_index, universe.underlying_index[options]
    considered = _near_chains(universe, at)[chains] & (spots[underlyings] > 0)
    rows = np.flatnonzero(considered)
    distance = np.abs(universe.strike_paise[rows] - spots[underlyings[rows]])
    order = np.lexsort((distance, chains[rows]))
    rows, of_chain = rows[order], chains[rows][order]
    places = np.arange(len(rows)) - np.searchsorted(of_chain, of_chain)
    near = places < 2 * STRIKES
    return rows[near], places[near]


def _near_chains(universe: Universe, at: float) -> NDArray[np.bool_]:
    """Return which chains are the nearest of their underlying that still trade."""
    starts = np.array([chain.start for chain in universe.chains], np.int64)
    trades = universe.expires_at[starts] > at
    underlyings = universe.underlying_index[starts]
    before: NDArray[np.int64] = np.cumsum(trades) - trades
    # Chains of an underlying stand beside each other, the nearest first.
    place: NDArray[np.int64] = before - before[np.searchsorted(underlyings, underlyings)]
    return trades & (place < EXPIRIES)


def chain_minutes(
    universe: Universe,
    rows: NDArray[np.int64],
    quotes: NDArray[np.void],
    spots: NDArray[np.int64],
) -> Iterator[ChainMinute]:
    """Yield the quotes of ascending rows by chain; a quote of zeros is left out.

    Spots are paise, zero where unknown.
    """
    if not len(rows):
        return
    chains, of_row = _chains(universe, rows)
    sign = np.where(universe.is_call[rows], 1, -1)
    numbers, prices = universe.strike_paise[rows] * sign, mid_paise(quotes)
    known = np.isfinite(prices)
    # The future of a chain is behind all options.
    order = np.argsort(of_row, kind="stable")
    starts = np.searchsorted(of_row[order], np.arange(len(chains)))
    for chain, members in zip(chains, np.split(order, starts[1:]), strict=True):
        kept = members[known[members]]
        priced = dict(
            zip(
                numbers[kept].tolist(), np.rint(prices[kept]).astype(np.int64).tolist(), strict=True
            )
        )
        spot = int(spots[universe.underlyings.index(chain.underlying)]) or None
        if spot is not None or priced:
            strike = _at_the_money(universe, chain.options, spot)
            yield ChainMinute(
                chain.underlying,
                chain.expiry,
                spot,
                strike,
                None if strike is None else priced.get(strike),
                None if strike is None else priced.get(-strike),
                list(priced),
                list(priced.values()),
                quotes["oi"][kept].tolist(),
            )


def _chains(universe: Universe, rows: NDArray[np.int64]) -> tuple[list[_Chain], NDArray[np.int64]]:
    """Return the chains of rows, and for each row the place of its chain among them."""
    options = rows[rows < universe.option_count]
    listed = {(c.underlying, c.expiry): slice(c.start, c.stop) for c in universe.chains}
    keys = [
        (c.underlying, c.expiry)
        for c in map(universe.chains.__getitem__, universe.chain_index[options].tolist())
    ]
    keys += [
        (c.underlying, c.expiry) for c in map(universe.contract, rows[len(options) :].tolist())
    ]
    places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    chains = [_Chain(*key, listed.get(key, slice(0, 0))) for key in places]
    return chains, np.array([places[key] for key in keys], np.int64)


def _at_the_money(universe: Universe, options: slice, spot: int | None) -> int | None:
    strikes = universe.strike_paise[options]
    if spot is None or not len(strikes):
        return None
    return int(strikes[np.abs(strikes - spot).argmin()])
