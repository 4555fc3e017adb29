"""Margin of a book in one underlying in the worst outcome of its resting orders.

The requirement of a book is that of the clearing corporation: scan risk over all expiries plus the
calendar spread charge less net option value, at least zero, and exposure margin.  The calendar charge
is on the net delta that expiries offset: the smaller of the sums of the positive and the negative net
deltas.  An expiry of today is margined without the others.  A book of long options needs nothing.
A future is worth nothing itself: it has losses and exposure margin on either side.

No subset of the resting orders leads to a book that requires more than :class:`WorstCase`.  Write ``q``
for the units of each contract, negative where they are short:

* An option is worth ``v = mark - loss >= 0`` in every scenario, so the larger of ``-sum(q * v)`` over
  the scenarios, which is scan risk less net option value, cannot grow with a ``q``; nor can
  ``-sum(q * mark)``, which takes its place where no scenario loses anything.  Exposure margin depends
  on short units only.  So all of these are largest if every resting sale trades and no purchase does.
* The loss of a future in one scenario is largest if either all purchases or all sales of it trade, so it
  is added with those that raise it, scenario by scenario.  The largest of the scenarios is then reached by
  some subset, and none exceeds it.  Exposure margin is that of the larger side.
* The net delta of an expiry is between ``low`` and ``high``, which the resting orders of its contracts
  reach if they trade on one side only.  The offset delta is at most the sum of the positive ``high``,
  at most that of the negative ``low``, and, as an expiry does not offset itself, at most the sum over
  all expiries but the largest.  Without resting orders the first two are the offset delta itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import mul
from typing import NamedTuple

from angel_x.domain.margin.losses import largest
from angel_x.domain.margin.unit_risk import UnitRisk


class Bounds(NamedTuple):
    """Units if all resting sales of a contract trade, and if all purchases do; negative where short."""

    low: int = 0
    high: int = 0


FLAT = Bounds()


class Requirement(NamedTuple):
    """A requirement and its parts, in steps."""

    #: Loss in the worst scenario.
    scan: int
    #: Calendar spread charge, because expiries do not move together.
    calendar: int
    #: Value of long options less that of short ones.
    net_option_value: int
    #: Exposure margin.
    exposure: int
    #: The addition for short units on their day of expiry.
    expiry_day: int
    #: The sum of the parts less net option value, at least zero before exposure margin; an expiry of
    #: today has a floor of its own.  Zero where nothing needs margin.
    total: int


@dataclass(slots=True)
class _Group:
    """Sums over contracts that are margined together."""

    #: Packed.
    losses: int = 0
    value: int = 0

    def scan(self) -> int:
        return max(0, largest(self.losses))

    def needs(self, calendar: int = 0) -> int:
        """Return scan risk and calendar charge less net option value, at least zero."""
        return max(0, self.scan() + calendar - self.value)


@dataclass(slots=True)
class _Delta:
    """Charges of the net deltas of one expiry."""

    #: Of the position, and of the resting orders that raise or lower it.
    net: int = 0
    rise: int = 0
    fall: int = 0


@dataclass(slots=True)
class WorstCase:
    """The running sums of a book."""

    #: Units that need margin in all contracts: short options, and futures on either side.
    at_risk: int = 0
    _charge: int = 0
    _expiry_day: int = 0
    #: The contracts of all expiries but those of today, which stand alone.
    _lasting: _Group = field(default_factory=_Group)
    _ending: dict[date, _Group] = field(default_factory=dict)
    _deltas: dict[date, _Delta] = field(default_factory=dict)

    def hold(self, units: Sequence[UnitRisk], nets: Sequence[int]) -> None:
        """Add positions in contracts that are not in the book yet and do not expire today.

        The sums are those of :meth:`add` for one after the other; built-in functions need half of the time.
        """
        at_risk = [unit.units_at_risk(net, net) for unit, net in zip(units, nets, strict=True)]
        self.at_risk += sum(at_risk)
        self._charge += sum(map(mul, at_risk, [unit.charge for unit in units]))
        self._lasting.losses += sum(map(mul, nets, [unit.losses.packed for unit in units]))
        self._lasting.value += sum(map(mul, nets, [unit.mark for unit in units]))
        for unit, net in zip(units, nets, strict=True):
            self._delta(unit.expiry).net += net * unit.spread

    def add(
        self, unit: UnitRisk, before: Bounds, net: int, buys: int = 0, sells: int = 0
    ) -> Bounds:
        """Add ``net`` units to a position, and units of resting purchases and sales.

        Return the bounds of the position after that; ``before`` are those before it.
        """
        after = Bounds(before.low + net - sells, before.high + net + buys)
        if more := unit.units_at_risk(*after) - unit.units_at_risk(*before):
            self.at_risk += more
            self._charge += more * unit.charge
            self._expiry_day += more * unit.expiry_day
        if not unit.is_known:
            return after
        group = self._lasting
        if unit.is_last_day:
            group = self._ending.setdefault(unit.expiry, _Group())
        losses = unit.losses
        if unit.is_future:
            group.losses += net * losses.packed + buys * losses.up + sells * losses.down
        elif change := net - sells:
            group.losses += change * losses.packed
            group.value += change * unit.mark
        if unit.spread:
            self._add_delta(unit, net, buys, sells)
        return after

    def _delta(self, expiry: date) -> _Delta:
        delta = self._deltas.get(expiry)
        if delta is None:
            delta = self._deltas[expiry] = _Delta()
        return delta

    def _add_delta(self, unit: UnitRisk, net: int, buys: int, sells: int) -> None:
        delta = self._delta(unit.expiry)
        delta.net += net * unit.spread
        if buys or sells:
            up, down = max(unit.spread, 0), max(-unit.spread, 0)
            delta.rise += buys * up + sells * down
            delta.fall += buys * down + sells * up

    def total(self) -> int:
        """Return the margin of the book in steps, at the risk arrays of the added units."""
        if not self.at_risk:
            return 0
        ending = sum(group.needs() for group in self._ending.values())
        return self._lasting.needs(self._calendar()) + ending + self._charge

    def required(self) -> Requirement:
        """Return the total with its parts."""
        groups = [self._lasting, *self._ending.values()]
        return Requirement(
            scan=sum(group.scan() for group in groups),
            calendar=self._calendar(),
            net_option_value=sum(group.value for group in groups),
            exposure=self._charge - self._expiry_day,
            expiry_day=self._expiry_day,
            total=self.total(),
        )

    def _calendar(self) -> int:
        """Return the charge of the largest delta that expiries may offset."""
        highs = lows = either = most = 0
        for delta in self._deltas.values():
            high, low = delta.net + delta.rise, delta.fall - delta.net
            if high > 0:
                highs += high
            if low > 0:
                lows += low
            # At least one of them is not negative: they sum to resting orders.
            larger = max(low, high)
            either += larger
            most = max(most, larger)
        return min(highs, lows, either - most)
