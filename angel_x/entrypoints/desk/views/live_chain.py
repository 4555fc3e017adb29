"""A chain with the newest state of its watched contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime

from angel_x.domain.chains.option_chain import (
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
_SHARED = tuple(
    field.name
    for field in fields(WatchedContract)
    if field.name in {each.name for each in fields(ContractGreeks)}
)


def watched_symbols(chain: OptionChain, shown: int) -> frozenset[str]:
    """Return the contracts to watch where ``shown`` strikes are shown, the nearest of all."""
    return _symbols(chain, min(_MOST_STRIKES, shown + _SPARE_STRIKES))


def shown_symbols(chain: OptionChain, shown: int) -> frozenset[str]:
    """Return the contracts of ``shown`` strikes, as far as they can be watched."""
    return _symbols(chain, min(_MOST_STRIKES - _SPARE_STRIKES, shown))


def _symbols(chain: OptionChain, strikes: int) -> frozenset[str]:
    rights = ((pair.call, pair.put) for pair in around_the_money(chain, strikes))
    return frozenset(contract.symbol for pair in rights for contract in pair if contract)


def with_quotes(
    chain: OptionChain,
    contracts: Mapping[str, WatchedContract],
    spots: Mapping[str, WatchedSpot],
    now: datetime,
) -> OptionChain:
    """Return a chain with watched contracts in place of its own, their ages as of ``now``."""
    rows = tuple(
        row if (watched := contracts.get(row.symbol)) is None else _greeks(watched, now)
        for row in chain.rows
    )
    forward = next((row for row in rows if row.forward is not None), None)
    spot = spots.get(chain.underlying)
    return replace(
        chain,
        rows=rows,
        age_seconds=max(
            (row.age_seconds for row in rows if row.age_seconds is not None), default=None
        ),
        forward=chain.forward if forward is None else forward.forward,
        forward_source=chain.forward_source if forward is None else forward.forward_source,
        spot=chain.spot if spot is None else spot.price,
        spot_age_seconds=chain.spot_age_seconds if spot is None else _age(spot.quoted_at, now),
    )


def _greeks(watched: WatchedContract, now: datetime) -> ContractGreeks:
    return ContractGreeks(
        **{name: getattr(watched, name) for name in _SHARED},
        age_seconds=_age(watched.greeks_as_of, now),
        quote_age_seconds=_age(watched.quoted_at, now),
    )


def _age(time: datetime | None, now: datetime) -> float | None:
    return None if time is None else max(0.0, (now - time).total_seconds())
