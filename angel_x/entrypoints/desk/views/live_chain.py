"""A chain with the newest state of its watched contracts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from angel_x.domain.chains.chain_record import (
    ContractGreeks,
    OptionChain,
    WatchedContract,
    WatchedSpot,
)
from angel_x.entrypoints.desk.views.chain import around_the_money

#: Strikes that are watched at most: two contracts each, of the 250 that one stream takes.
_MOST_STRIKES = 125
#: Strikes that are watched beyond those that are shown, so that the money may move.
_SPARE_STRIKES = 10
_AGES_LAST = timedelta(seconds=1)
_SHARED = tuple(
    field.name
    for field in fields(WatchedContract)
    if field.name in {each.name for each in fields(ContractGreeks)}
)


class _MadeRow(NamedTuple):
    """The row of a contract, the state it was made from, and its time."""

    source: WatchedContract
    at: datetime
    row: ContractGreeks


def watched_symbols(chain: OptionChain, shown: int) -> frozenset[str]:
    """Return the contracts to watch where ``shown`` strikes are shown, the nearest of all."""
    return _symbols(chain, min(_MOST_STRIKES, shown + _SPARE_STRIKES))


def shown_symbols(chain: OptionChain, shown: int) -> frozenset[str]:
    """Return the contracts of ``shown`` strikes, as far as they can be watched."""
    return _symbols(chain, min(_MOST_STRIKES - _SPARE_STRIKES, shown))


def _symbols(chain: OptionChain, strikes: int) -> frozenset[str]:
    rights = ((pair.call, pair.put) for pair in around_the_money(chain, strikes))
    return frozenset(contract.symbol for pair in rights for contract in pair if contract)


class LiveChain:
    """Chains with the newest state of their watched contracts.

    The row of a contract that has not moved is made anew after a second, for its ages.
    """

    def __init__(self) -> None:
        self._made: dict[str, _MadeRow] = {}

    def with_quotes(
        self,
        chain: OptionChain,
        contracts: Mapping[str, WatchedContract],
        spots: Mapping[str, WatchedSpot],
        now: datetime,
    ) -> OptionChain:
        """Return a chain with watched contracts in place of its own, their ages as of ``now``.

        The age of a row may be that of up to a second ago, the age of the chain is not.
        """
        rows = tuple(
            row if (watched := contracts.get(row.symbol)) is None else self._row(watched, now)
            for row in chain.rows
        )
        forward = next((row for row in rows if row.forward is not None), None)
        spot = spots.get(chain.underlying)
        return replace(
            chain,
            rows=rows,
            age_seconds=max(_chain_ages(chain.rows, contracts, now), default=None),
            forward=chain.forward if forward is None else forward.forward,
            forward_source=chain.forward_source if forward is None else forward.forward_source,
            spot=chain.spot if spot is None else spot.price,
            spot_age_seconds=chain.spot_age_seconds if spot is None else _age(spot.quoted_at, now),
        )

    def _row(self, watched: WatchedContract, now: datetime) -> ContractGreeks:
        made = self._made.get(watched.symbol)
        if made is None or made.source is not watched or not made.at <= now < made.at + _AGES_LAST:
            made = self._made[watched.symbol] = _MadeRow(watched, now, _greeks(watched, now))
        return made.row


def _chain_ages(
    rows: Iterable[ContractGreeks], contracts: Mapping[str, WatchedContract], now: datetime
) -> Iterator[float]:
    for row in rows:
        watched = contracts.get(row.symbol)
        seconds = row.age_seconds if watched is None else _age(watched.greeks_as_of, now)
        if seconds is not None:
            yield seconds


def _greeks(watched: WatchedContract, now: datetime) -> ContractGreeks:
    return ContractGreeks(
        **{name: getattr(watched, name) for name in _SHARED},
        age_seconds=_age(watched.greeks_as_of, now),
        quote_age_seconds=_age(watched.quoted_at, now),
    )


def _age(time: datetime | None, now: datetime) -> float | None:
    return None if time is None else max(0.0, (now - time).total_seconds())
