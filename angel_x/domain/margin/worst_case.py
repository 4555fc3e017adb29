"""Margin of a book in one underlying if all resting sales trade and no resting purchase does.

This is the worst outcome of the resting orders.  Write ``q`` for the units of each contract, negative
where they are short.  Every subset of the resting orders leads to a book with at least as many units
of each contract, so it suffices that no term below grows with a ``q``:

* An option is worth ``v = mark - loss >= 0`` in every scenario, so the larger of ``-sum(q * v)`` over
  the scenarios, which is scan risk less net option value, cannot grow; nor can ``-sum(q * mark)``,
  which takes its place where no scenario loses anything, and nor can their floor of zero.
* Exposure margin, percentage margin and the spread charge depend on short units only.
* Sums, minima and floors of terms that cannot grow cannot grow.

The clearing corporation charges a calendar spread by the net delta that expiries offset.  That can
grow with a purchase, so here every unit short is charged for its own delta, unless it is cheaper to
margin each expiry on its own.  A book of one expiry, or of purchases alone, is charged nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from angel_x.domain.margin.unit_risk import NO_LOSSES, Losses, UnitRisk


class Requirement(NamedTuple):
    """A requirement and its parts, in steps."""

    #: Loss in the worst scenario.
    scan: int
    #: Calendar spread charge, because expiries do not move together.
    calendar: int
    #: Value of long options less that of short ones.
    net_option_value: int
    #: Exposure margin, and percentage margin of contracts without a risk array.
    exposure: int
    #: The addition for short units on their day of expiry.
    expiry_day: int
    #: The sum of the parts, floored at zero for each expiry, or once for all expiries.
    total: int


@dataclass(slots=True)
class _Expiry:
    """Sums over the contracts of one expiry."""

    is_last_day: bool
    losses: Losses = NO_LOSSES
    value: int = 0
    spread: int = 0

    def needs(self) -> int:
        """Scan risk less net option value, without offset by other expiries."""
        return max(0, max(self.losses) - self.value, -self.value)

    def needs_offset(self) -> int:
        """Return the same with the spread charge for the offset by other expiries."""
        return max(0, max(0, *self.losses) + self.spread - self.value)


@dataclass(slots=True)
class WorstCase:
    """The running sums of a book."""

    #: Units short in all contracts.
    short: int = 0
    _charge: int = 0
    _expiry_day: int = 0
    _expiries: dict[date, _Expiry] = field(default_factory=dict)

    def add(self, unit: UnitRisk, before: int, change: int) -> None:
        """Add ``change`` units, negative for sales, to a position of ``before`` units."""
        expiry = self._expiries.get(unit.expiry)
        if expiry is None:
            expiry = self._expiries[unit.expiry] = _Expiry(unit.is_last_day)
        more_short = max(0, -before - change) - max(0, -before)
        self.short += more_short
        self._charge += more_short * unit.charge
        self._expiry_day += more_short * unit.expiry_day
        expiry.spread += more_short * unit.spread
        if unit.losses is not NO_LOSSES:
            pairs = zip(expiry.losses, unit.losses, strict=True)
            expiry.losses = tuple([there + change * more for there, more in pairs])
            expiry.value += change * unit.mark

    def total(self) -> int:
        """Return the margin of the book in steps, at the risk arrays of the added units."""
        if not self.short:
            return 0
        lasting = [e for e in self._expiries.values() if not e.is_last_day]
        apart = sum(expiry.needs() for expiry in lasting)
        # No credit against other expiries on the day of expiry.
        ending = sum(e.needs() for e in self._expiries.values() if e.is_last_day)
        together = _together(lasting).needs_offset() if len(lasting) > 1 else apart
        return min(apart, together) + ending + self._charge

    def required(self) -> Requirement:
        """Return the total with its parts."""
        lasting = [e for e in self._expiries.values() if not e.is_last_day]
        offset = _together(lasting)
        is_offset = offset.needs_offset() < sum(expiry.needs() for expiry in lasting)
        groups = [offset] if is_offset else lasting
        groups = [*groups, *(e for e in self._expiries.values() if e.is_last_day)]
        return Requirement(
            scan=sum(max(0, *group.losses) for group in groups),
            calendar=offset.spread if is_offset else 0,
            net_option_value=sum(group.value for group in groups),
            exposure=self._charge - self._expiry_day,
            expiry_day=self._expiry_day,
            total=self.total(),
        )


def _together(expiries: list[_Expiry]) -> _Expiry:
    """Return the sums over several expiries."""
    columns = zip(NO_LOSSES, *(e.losses for e in expiries), strict=True)
    return _Expiry(
        is_last_day=False,
        losses=tuple(map(sum, columns)),
        value=sum(e.value for e in expiries),
        spread=sum(e.spread for e in expiries),
    )
