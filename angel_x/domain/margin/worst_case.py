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
from typing import NamedTuple

from angel_x.domain.margin.unit_risk import NO_LOSSES, Losses, UnitRisk


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
class _Expiry:
    """Sums over the contracts of one expiry."""

    is_last_day: bool
    losses: Losses = NO_LOSSES
    value: int = 0
    #: Charges of net deltas: of the position, and of the resting orders that raise or lower it.
    delta: int = 0
    rise: int = 0
    fall: int = 0

    def lose(self, more: Sequence[int]) -> None:
        """Add losses, by scenario."""
        pairs = zip(self.losses, more, strict=True)
        self.losses = tuple([there + loss for there, loss in pairs])

    def scan(self) -> int:
        return max(0, *self.losses)

    def needs(self) -> int:
        """Return scan risk less net option value, at least zero."""
        return max(0, self.scan() - self.value)


@dataclass(slots=True)
class WorstCase:
    """The running sums of a book."""

    #: Units that need margin in all contracts: short options, and futures on either side.
    at_risk: int = 0
    _charge: int = 0
    _expiry_day: int = 0
    _expiries: dict[date, _Expiry] = field(default_factory=dict)

    def add(
        self, unit: UnitRisk, before: Bounds, net: int, buys: int = 0, sells: int = 0
    ) -> Bounds:
        """Add ``net`` units to a position, and units of resting purchases and sales.

        Return the bounds of the position after that; ``before`` are those before it.
        """
        expiry = self._expiries.get(unit.expiry)
        if expiry is None:
            expiry = self._expiries[unit.expiry] = _Expiry(unit.is_last_day)
        after = Bounds(before.low + net - sells, before.high + net + buys)
        more = unit.units_at_risk(*after) - unit.units_at_risk(*before)
        self.at_risk += more
        self._charge += more * unit.charge
        self._expiry_day += more * unit.expiry_day
        if not unit.is_known:
            return after
        if unit.is_future:
            expiry.lose(_worst(unit.losses, net, buys, sells))
        elif change := net - sells:
            expiry.lose([change * loss for loss in unit.losses])
            expiry.value += change * unit.mark
        up, down = max(unit.spread, 0), max(-unit.spread, 0)
        expiry.delta += net * unit.spread
        expiry.rise += buys * up + sells * down
        expiry.fall += buys * down + sells * up
        return after

    def total(self) -> int:
        """Return the margin of the book in steps, at the risk arrays of the added units."""
        if not self.at_risk:
            return 0
        lasting = [e for e in self._expiries.values() if not e.is_last_day]
        ending = sum(e.needs() for e in self._expiries.values() if e.is_last_day)
        if len(lasting) == 1:
            return lasting[0].needs() + ending + self._charge
        together = _together(lasting)
        needs = max(0, together.scan() + _calendar(lasting) - together.value)
        return needs + ending + self._charge

    def required(self) -> Requirement:
        """Return the total with its parts."""
        lasting = [e for e in self._expiries.values() if not e.is_last_day]
        groups = [_together(lasting), *(e for e in self._expiries.values() if e.is_last_day)]
        return Requirement(
            scan=sum(group.scan() for group in groups),
            calendar=_calendar(lasting),
            net_option_value=sum(group.value for group in groups),
            exposure=self._charge - self._expiry_day,
            expiry_day=self._expiry_day,
            total=self.total(),
        )


def _worst(losses: Losses, net: int, buys: int, sells: int) -> list[int]:
    """Return the largest losses of units of a future in any outcome of its orders, by scenario."""
    return [net * loss + buys * max(loss, 0) + sells * max(-loss, 0) for loss in losses]


def _calendar(expiries: Sequence[_Expiry]) -> int:
    """Return the charge of the largest delta that expiries may offset."""
    highs = [max(e.delta + e.rise, 0) for e in expiries]
    lows = [max(e.fall - e.delta, 0) for e in expiries]
    largest = [max(pair) for pair in zip(highs, lows, strict=True)]
    return min(sum(highs), sum(lows), sum(largest) - max(largest, default=0))


def _together(expiries: Sequence[_Expiry]) -> _Expiry:
    """Return the sums over several expiries."""
    columns = zip(NO_LOSSES, *(e.losses for e in expiries), strict=True)
    return _Expiry(
        is_last_day=False,
        losses=tuple(map(sum, columns)),
        value=sum(e.value for e in expiries),
    )
