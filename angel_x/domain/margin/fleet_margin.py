"""Requirements and open P&L of many accounts in array passes.

The sums are those of :class:`~angel_x.domain.margin.worst_case.WorstCase` for every account and
underlying.  They are whole steps below 2**53, which floats of 64 bits add exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from angel_x.domain.contracts.contract import underlying_of
from angel_x.domain.margin.losses import SCENARIO_COUNT
from angel_x.domain.margin.unit_risk import STEPS_PER_PAISA, RiskSheet, UnitRisk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Booleans = NDArray[np.bool_]
    Weights = Floats | Integers | Booleans


@dataclass(frozen=True, slots=True)
class FleetColumns:
    """Open contracts of accounts, as columns of one length; quantities are units."""

    #: Position of the account in the list of accounts.
    owner: Integers
    symbols: Sequence[str]
    net: Integers
    #: Of resting purchases and sales.
    buys: Integers
    sells: Integers
    #: Signed cost of the position.
    cost_paise: Integers


@dataclass(frozen=True, slots=True)
class FleetMargin:
    """Requirements by account and underlying, and open P&L by account, in paise."""

    #: Columns with one entry for each account and underlying.
    owner: Integers
    underlyings: Sequence[str]
    required: Integers
    #: Exposure margin, with the addition on the day of expiry.
    exposure: Integers
    option_value: Integers
    #: Whether the margin of every contract is known; the requirement holds only then.
    is_complete: Booleans
    #: Columns with one entry for each account.
    unrealised: Integers
    #: The part of the unrealised P&L that is of short positions and of futures.
    short_pnl: Integers
    #: Whether every position has a price; the P&L holds only then.
    is_priced: Booleans


class _Contracts(NamedTuple):
    """The distinct contracts of a fleet, one entry each, amounts in steps."""

    position: Integers
    losses: Floats
    mark: Floats
    charge: Floats
    spread: Floats
    price: Floats
    is_known: Booleans
    is_future: Booleans
    #: Position among the expiries, and of each expiry its underlying and whether it is today.
    expiry: Integers
    underlying_of_expiry: Integers
    is_last_day: Booleans
    underlyings: list[str]


class _Sums(NamedTuple):
    """Sums by account and expiry."""

    pair: Integers
    losses: Floats
    value: Floats
    is_last: Booleans
    high: Floats
    low: Floats


def margin_fleet(count: int, columns: FleetColumns, sheet: RiskSheet) -> FleetMargin:
    """Return the margin and the open P&L of ``count`` accounts at the risks of a sheet."""
    contracts = _contracts(columns.symbols, sheet)
    position, width = contracts.position, len(contracts.underlyings)
    worst = columns.net - columns.sells
    # Of a future either side is at risk, of an option the short one.
    highest = np.where(contracts.is_future[position], columns.net + columns.buys, 0)
    at_risk = np.maximum(np.maximum(-worst, highest), 0)
    underlying = contracts.underlying_of_expiry[contracts.expiry[position]]
    pairs, member = np.unique(columns.owner * width + underlying, return_inverse=True)
    sums = _sums(columns, contracts, worst, pairs, width)

    def by_pair(weights: Weights) -> Floats:
        return _sum_by(member, weights, pairs.size)

    charge = by_pair(at_risk * contracts.charge[position])
    pnl = _pnl(count, columns, contracts)
    required = np.where(by_pair(at_risk) > 0, _needs(sums, pairs.size) + charge, 0.0)
    return FleetMargin(
        owner=pairs // width,
        underlyings=[contracts.underlyings[i] for i in (pairs % width).tolist()],
        required=_paise(required),
        exposure=_paise(charge),
        option_value=_paise(by_pair(worst * contracts.mark[position])),
        is_complete=by_pair(~contracts.is_known[position]) == 0,
        unrealised=pnl.all,
        short_pnl=pnl.short,
        is_priced=pnl.is_priced,
    )


def _contracts(symbols: Sequence[str], sheet: RiskSheet) -> _Contracts:
    index = {symbol: place for place, symbol in enumerate(dict.fromkeys(symbols))}
    units = [sheet[symbol] for symbol in index]
    expiries: dict[tuple[str, object], int] = {}
    underlyings: dict[str, int] = {}
    labels, last = [], {}
    for symbol, unit in zip(index, units, strict=True):
        name = underlying_of(symbol)
        underlyings.setdefault(name, len(underlyings))
        label = expiries.setdefault((name, unit.expiry), len(expiries))
        labels.append(label)
        last[label] = unit.is_last_day
    return _Contracts(
        position=np.fromiter((index[symbol] for symbol in symbols), np.int64, len(symbols)),
        losses=np.array([u.losses for u in units], np.float64).reshape(-1, SCENARIO_COUNT).T,
        mark=np.array([u.mark for u in units], np.float64),
        charge=np.array([u.charge for u in units], np.float64),
        spread=np.array([u.spread for u in units], np.float64),
        price=np.array([_price(u) for u in units], np.float64),
        is_known=np.array([u.is_known for u in units], np.bool_),
        is_future=np.array([u.is_future for u in units], np.bool_),
        expiry=np.array(labels, np.int64),
        underlying_of_expiry=np.array([underlyings[name] for name, _ in expiries], np.int64),
        is_last_day=np.array([last[label] for label in range(len(expiries))], np.bool_),
        underlyings=list(underlyings),
    )


def _price(unit: UnitRisk) -> float:
    return float("nan") if unit.worth is None else unit.worth


def _sums(
    columns: FleetColumns, contracts: _Contracts, worst: Integers, pairs: Integers, width: int
) -> _Sums:
    position, expiries = contracts.position, len(contracts.underlying_of_expiry)
    key = columns.owner * expiries + contracts.expiry[position]
    groups, member = np.unique(key, return_inverse=True)
    label = groups % expiries

    def total(weights: Weights) -> Floats:
        return _sum_by(member, weights, groups.size)

    spread = contracts.spread[position]
    up, down = np.maximum(spread, 0.0), np.maximum(-spread, 0.0)
    delta = total(columns.net * spread)
    lasts = ~contracts.is_last_day[label]
    owner_and_underlying = groups // expiries * width + contracts.underlying_of_expiry[label]
    return _Sums(
        pair=np.searchsorted(pairs, owner_and_underlying),
        losses=np.stack(
            [total(_lost(columns, contracts, worst, loss)) for loss in contracts.losses]
        ),
        value=total(worst * contracts.mark[position]),
        is_last=~lasts,
        high=np.maximum(delta + total(columns.buys * up + columns.sells * down), 0.0) * lasts,
        low=np.maximum(total(columns.buys * down + columns.sells * up) - delta, 0.0) * lasts,
    )


def _lost(columns: FleetColumns, contracts: _Contracts, worst: Integers, loss: Floats) -> Floats:
    """Return the largest loss of each entry in one scenario, in any outcome of its resting orders."""
    loss = loss[contracts.position]
    lost: Floats = worst * loss
    if not contracts.is_future.any():
        return lost
    up, down = np.maximum(loss, 0.0), np.maximum(-loss, 0.0)
    of_future = columns.net * loss + columns.buys * up + columns.sells * down
    return np.where(contracts.is_future[contracts.position], of_future, lost)


def _needs(sums: _Sums, count: int) -> Floats:
    """Return scan risk and calendar charge less net option value, by account and underlying."""

    def total(weights: Weights) -> Floats:
        return _sum_by(sums.pair, weights, count)

    alone = np.maximum(np.maximum(sums.losses.max(axis=0), 0.0) - sums.value, 0.0)
    lasting = np.stack([total(losses * ~sums.is_last) for losses in sums.losses])
    value = total(sums.value * ~sums.is_last)
    largest = np.maximum(sums.high, sums.low)
    most = np.zeros(count)
    np.maximum.at(most, sums.pair, largest)
    offset = np.minimum(np.minimum(total(sums.high), total(sums.low)), total(largest) - most)
    together: Floats = np.maximum(np.maximum(lasting.max(axis=0), 0.0) + offset - value, 0.0)
    together += total(alone * sums.is_last)
    return together


class _Pnl(NamedTuple):
    """Open P&L by account, in paise."""

    all: Integers
    short: Integers
    is_priced: Booleans


def _pnl(count: int, columns: FleetColumns, contracts: _Contracts) -> _Pnl:
    price = contracts.price[contracts.position]
    is_held = columns.net != 0
    unknown = np.isnan(price) & is_held
    cost = columns.cost_paise * float(STEPS_PER_PAISA)
    pnl: Floats = np.where(is_held & ~unknown, columns.net * price - cost, 0.0)
    is_owed = (columns.net < 0) | contracts.is_future[contracts.position]
    short: Floats = np.where(is_owed, pnl, 0.0)

    def total(weights: Floats) -> Integers:
        return np.rint(_sum_by(columns.owner, weights, count) / STEPS_PER_PAISA).astype(np.int64)

    return _Pnl(total(pnl), total(short), _sum_by(columns.owner, unknown, count) == 0)


def _sum_by(group: Integers, weights: Weights, count: int) -> Floats:
    sums = np.zeros(count)
    sums += np.bincount(group, weights, count)
    return sums


def _paise(steps: Floats) -> Integers:
    """Return steps in paise, rounded up."""
    paise: Integers = -(-steps.astype(np.int64) // STEPS_PER_PAISA)
    return paise
