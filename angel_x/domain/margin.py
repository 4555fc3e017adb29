"""Margin of short options as a percentage of the underlying.

It ignores how far out of the money a contract is and gives no credit for a hedge: on a naked option
near the money it asks for about what risk arrays do, further out for more.  It stands in where there
are none.  Long options pay their premium and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING, Protocol

from angel_x.domain.dated import Dated
from angel_x.domain.money import PAISA
from angel_x.domain.unit_risk import NO_LOSSES, STEPS, MarginSource, UnitRisk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RiskRows:
    """What is known of some contracts, by contract."""

    expiries: Sequence[date]
    #: Rupees of the underlying, nothing where it has no price.
    spots: Sequence[Decimal]
    #: Risk arrays: 16 losses of a unit long in rupees, delta, mark.
    columns: NDArray[np.float32]
    #: Whether the risk array is young enough.
    is_fresh: NDArray[np.bool_]


class MarginModel(Protocol):
    """What contracts cost in margin."""

    def unit_risks(self, rows: RiskRows, today: date) -> list[UnitRisk]:
        """Return what a unit of each contract adds to margin."""


@dataclass(frozen=True, slots=True)
class ShortOptionPercent:
    """Fractions of the underlying's value."""

    #: The price scan range, the worst move that SPAN looks at.
    scan: Decimal
    exposure: Decimal
    #: Extra loss margin on the day of expiry.
    expiry_day: Decimal

    def beyond_scan(self, expiry: date, today: date) -> Decimal:
        """Return the fraction that a unit short is asked for whatever its scenarios say."""
        return self.exposure + self.expiry_day if expiry <= today else self.exposure


class PercentageMargin:
    """The percentage approximation as a :class:`MarginModel`."""

    def __init__(self, table: Dated[ShortOptionPercent]) -> None:
        self._table = table

    @classmethod
    def from_table(cls, rows: Iterable[Mapping[str, str]]) -> PercentageMargin:
        """Build the model from the parsed ``margin`` table."""
        return cls(Dated((date.fromisoformat(row["from"]), _percent(row)) for row in rows))

    def rule(self, today: date) -> ShortOptionPercent:
        """Return the fractions of a day."""
        return self._table.on(today)

    def per_short_unit(self, expiry: date, spot: Decimal, today: date) -> Decimal:
        """Return rupees for one unit short; ``spot`` is the underlying in rupees."""
        rule = self._table.on(today)
        fraction = rule.scan + rule.beyond_scan(expiry, today)
        return (spot * fraction).quantize(PAISA, rounding=ROUND_UP)

    def unit_risk(self, expiry: date, spot: Decimal, today: date) -> UnitRisk:
        """Return what a unit of one contract adds to margin."""
        if spot <= 0:
            return UnitRisk(expiry, MarginSource.NONE, NO_LOSSES, 0, 0, 0, expiry <= today)
        charge = int(self.per_short_unit(expiry, spot, today) * STEPS)
        return UnitRisk(expiry, MarginSource.PERCENTAGE, NO_LOSSES, 0, charge, 0, expiry <= today)

    def unit_risks(self, rows: RiskRows, today: date) -> list[UnitRisk]:
        pairs = zip(rows.expiries, rows.spots, strict=True)
        return [self.unit_risk(expiry, spot, today) for expiry, spot in pairs]


def _percent(row: Mapping[str, str]) -> ShortOptionPercent:
    scan, exposure, expiry_day = (
        Decimal(row[f"{name}_percent"]) / 100 for name in ("scan", "exposure", "expiry_day")
    )
    return ShortOptionPercent(scan, exposure, expiry_day)
