"""Held margin of accounts by underlying, and its changes with the book.

Every change of a book marks the margin of its underlying to the market: the held margin becomes the
requirement at the risk arrays of now.  Where a contract has no risk array the requirement is unknown, unless
nothing needs margin; then the held margin stays, until a later marking.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from angel_x.domain.book.account import Exposure
from angel_x.domain.contracts.contract import underlying_of
from angel_x.domain.margin.unit_risk import RiskSheet, UnitRisk, no_risks, to_rupees
from angel_x.domain.margin.worst_case import FLAT, Bounds, Requirement, WorstCase
from angel_x.domain.values.money import ZERO

#: Account and underlying.
Pair = tuple[int, str]
#: Returns the margin contribution of one unit of each contract.
Risks = Callable[[Collection[str]], RiskSheet]


class Change(NamedTuple):
    """Units that are added to a contract: to the position, to resting purchases and resting sales."""

    net: int = 0
    buys: int = 0
    sells: int = 0

    def reversed(self) -> Change:
        return Change(-self.net, -self.buys, -self.sells)


class Shift(NamedTuple):
    """An applied change of a pool, with the data to undo it."""

    symbol: str
    change: Change
    held_before: Decimal
    #: The change of held margin in rupees, and the part of it that the market has made.
    cost: Decimal
    collected: Decimal
    #: Whether contracts had no risk array before, and whether the requirement is known now.
    had_gaps: bool
    is_known: bool

    @property
    def rise(self) -> Decimal:
        """The change of the requirement by the units."""
        return self.cost - self.collected


class MarginPool:
    """The worst case of one account in one underlying, and its held margin."""

    def __init__(self, held: Decimal, units: Callable[[str], UnitRisk]) -> None:
        #: Rupees.
        self.held = held
        self._units = units
        #: The least and the most units of each contract.
        self._bounds: dict[str, Bounds] = {}
        self._worst = WorstCase()
        #: Rupees; None until it is computed.
        self._computed: Decimal | None = None
        #: Whether a contract has no risk array.
        self._has_gaps = False

    def add(self, symbol: str, change: tuple[int, int, int]) -> None:
        """Add units to the worst case without a change of held margin."""
        unit, before = self._units(symbol), self._bounds.get(symbol, FLAT)
        self._bounds[symbol] = self._worst.add(unit, before, *change)
        self._has_gaps |= not unit.is_known
        self._computed = None

    def take(self, exposures: Iterable[Exposure]) -> None:
        """Add contracts that are not in the pool yet to the worst case, without a change of held margin."""
        units, nets = [], []
        for exposure in exposures:
            unit, net = self._units(exposure.symbol), exposure.net_quantity
            if unit.is_last_day or exposure.rests:
                self.add(exposure.symbol, exposure.units)
                continue
            self._bounds[exposure.symbol] = Bounds(net, net)
            units.append(unit)
            nets.append(net)
        self._worst.hold(units, nets)
        self._has_gaps |= not all(unit.is_known for unit in units)
        self._computed = None

    def shift(self, symbol: str, change: Change) -> Shift:
        """Add units of a contract, and mark the held margin where the requirement is known."""
        held, had_gaps, before = self.held, self._has_gaps, self._required()
        self.add(symbol, change)
        if self.is_known:
            self.held = self._required()
        collected = ZERO if self._has_gaps else before - held
        return Shift(symbol, change, held, self.held - held, collected, had_gaps, self.is_known)

    def undo(self, shift: Shift) -> None:
        """Undo the last shift."""
        self.add(shift.symbol, shift.change.reversed())
        self._has_gaps = shift.had_gaps
        self.held = shift.held_before

    @property
    def is_known(self) -> bool:
        """True where every contract has a risk array, or nothing is short."""
        return not self._has_gaps or not self._worst.at_risk

    def lower(self) -> Decimal:
        """Lower the held margin to the requirement, if it is known; return the change in rupees."""
        held = self.held
        if self.is_known:
            self.held = min(held, self._required())
        return self.held - held

    def requirement(self) -> Requirement:
        """Return the requirement of the worst case now."""
        return self._worst.required()

    def unhedged(self) -> Decimal:
        """Return the sum of the margins of short units and of futures one by one, in rupees."""
        units = ((self._units(symbol), bounds) for symbol, bounds in self._bounds.items())
        return to_rupees(sum(u.short_steps * u.units_at_risk(*bounds) for u, bounds in units))

    def _required(self) -> Decimal:
        if self._computed is None:
            self._computed = to_rupees(self._worst.total())
        return self._computed


@dataclass(slots=True)
class MarginPools:
    """The pools of the accounts in a book, each made on first access."""

    #: Held rupees at the time of reading the book.
    stored: Mapping[Pair, Decimal] = field(default_factory=dict)
    #: Read before orders are folded in; a contract without an entry counts as unknown.
    sheet: RiskSheet = field(default_factory=dict)
    #: Contracts of the orders, positions and resting orders of the accounts.
    symbols: set[str] = field(default_factory=set)
    _pools: dict[Pair, MarginPool] = field(default_factory=dict)
    #: Pools that contain the exposures.
    _known: set[Pair] = field(default_factory=set)

    def of(self, user_id: int, underlying: str, exposures: Iterable[Exposure]) -> MarginPool:
        """Return the pool of an account in an underlying, from the matching ``exposures``."""
        pair = user_id, underlying
        if pair not in self._known:
            pool = self._pool(pair)
            mine = (e for e in exposures if e.user_id == user_id and e.is_open)
            pool.take([e for e in mine if underlying_of(e.symbol) == underlying])
            self._known.add(pair)
        return self._pools[pair]

    def _pool(self, pair: Pair) -> MarginPool:
        if pair not in self._pools:
            self._pools[pair] = MarginPool(self.stored.get(pair, ZERO), self.unit)
        return self._pools[pair]

    def held(self) -> dict[Pair, Decimal]:
        """Return the held margin of every pool."""
        return dict(self.stored) | dict(self.changed())

    def held_by(self, user_id: int) -> Decimal:
        """Return the held margin of an account over all underlyings."""
        return sum((held for pair, held in self.held().items() if pair[0] == user_id), ZERO)

    def cap(self, user_id: int, excess: Decimal) -> Decimal:
        """Hold up to ``excess`` rupees less for an account; return by how much less."""
        left = excess
        for pair, held in sorted(self.held().items()):
            if pair[0] == user_id and left > 0:
                part = min(held, left)
                self._pool(pair).held = held - part
                left -= part
        return excess - left

    def changed(self) -> Iterator[tuple[Pair, Decimal]]:
        """Yield the pools whose held margin has changed."""
        for pair, pool in self._pools.items():
            if pool.held != self.stored.get(pair, ZERO):
                yield pair, pool.held

    def unit(self, symbol: str) -> UnitRisk:
        """Return the margin contribution of one unit of a contract."""
        try:
            return self.sheet[symbol]
        except KeyError:
            return no_risks([symbol])[symbol]
