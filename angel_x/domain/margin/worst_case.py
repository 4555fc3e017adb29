"""What a book in one underlying needs if all of its sales trade and none of its purchases does.

Of everything that resting orders can come to this is the worst.  Write ``q`` for the units of each
contract, negative where they are short.  Every subset of the resting orders leads to a book with at
least as many units of each contract, so it is enough that no term below grows with a ``q``:

* An option is worth ``v = mark - loss >= 0`` in every scenario, so the larger of ``-sum(q * v)`` over
  the scenarios, which is scan risk less net option value, cannot grow; nor can ``-sum(q * mark)``,
  which takes its place where no scenario loses anything, and nor can their floor of zero.
* Exposure, what the percentage asks for, and the spread charge are of units short alone.
* Sums, smaller ones and floors of what cannot grow cannot grow.

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
    #: Charged because expiries do not move together.
    calendar: int
    #: Options held less options owed.
    net_option_value: int
    #: Exposure margin, more on the day of expiry, and what is asked for without risk arrays.
    exposure: int
    #: The parts together, floored at zero where they are of one expiry or of all of them.
    total: int


@dataclass(slots=True)
class _Expiry:
    """Sums over the contracts of one expiry."""

    is_last_day: bool
    losses: Losses = NO_LOSSES
    value: int = 0
    spread: int = 0

    def needs(self) -> int:
        """Scan risk less net option value, where nothing else offsets it."""
        return max(0, max(self.losses) - self.value, -self.value)

    def needs_offset(self) -> int:
        """Return the same with the charge for what other expiries offset."""
        return max(0, max(0, *self.losses) + self.spread - self.value)


@dataclass(slots=True)
class WorstCase:
    """The book as sums, to which units are added."""

    #: Units short in all contracts.
    short: int = 0
    _charge: int = 0
    _expiries: dict[date, _Expiry] = field(default_factory=dict)

    def add(self, unit: UnitRisk, before: int, change: int) -> None:
        """Add ``change`` units, negative for sales, to the ``before`` that there are."""
        expiry = self._expiries.get(unit.expiry)
        if expiry is None:
            expiry = self._expiries[unit.expiry] = _Expiry(unit.is_last_day)
        more_short = max(0, -before - change) - max(0, -before)
        self.short += more_short
        self._charge += more_short * unit.charge
        expiry.spread += more_short * unit.spread
        if unit.losses is not NO_LOSSES:
            pairs = zip(expiry.losses, unit.losses, strict=True)
            expiry.losses = tuple([there + change * more for there, more in pairs])
            expiry.value += change * unit.mark

    def total(self) -> int:
        """Return what the book needs at the risk arrays that its units came with."""
        if not self.short:
            return 0
        lasting = [e for e in self._expiries.values() if not e.is_last_day]
        apart = sum(expiry.needs() for expiry in lasting)
        # What expires today is given no credit against other expiries.
        ending = sum(e.needs() for e in self._expiries.values() if e.is_last_day)
        together = _together(lasting).needs_offset() if len(lasting) > 1 else apart
        return min(apart, together) + ending + self._charge

    def required(self) -> Requirement:
        """Return the total with the parts that it is made of."""
        lasting = [e for e in self._expiries.values() if not e.is_last_day]
        offset = _together(lasting)
        is_offset = offset.needs_offset() < sum(expiry.needs() for expiry in lasting)
        groups = [offset] if is_offset else lasting
        groups = [*groups, *(e for e in self._expiries.values() if e.is_last_day)]
        return Requirement(
            scan=sum(max(0, *group.losses) for group in groups),
            calendar=offset.spread if is_offset else 0,
            net_option_value=sum(group.value for group in groups),
            exposure=self._charge,
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
