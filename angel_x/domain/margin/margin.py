"""Margin of short options as a percentage of the underlying.

It ignores moneyness and gives no credit for hedges: for a naked option near the money it is about the
margin of risk arrays, further out it is more.  It applies to contracts without a risk array.  Long
options need no margin beyond their premium.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING, Any

from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.unit_risk import NO_LOSSES, STEPS, UnitRisk
from angel_x.domain.values.dated import Dated
from angel_x.domain.values.money import PAISA

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RiskRows:
    """Market data of some contracts for margin: one entry for each contract."""

    underlyings: Sequence[str]
    expiries: Sequence[date]
    #: Price of the underlying in rupees, zero where unknown.
    spots: Sequence[Decimal]
    #: Risk arrays: 16 losses of a unit long in rupees, delta, mark.
    columns: NDArray[np.float32]
    #: Whether the risk array is recent enough.
    is_fresh: NDArray[np.bool_]


#: Returns the margin contribution of one unit of each contract on a day.
MarginModel = Callable[[RiskRows, date], list[UnitRisk]]


@dataclass(frozen=True, slots=True)
class ShortOptionPercent:
    """The parts of percentage margin, as fractions of the underlying."""

    #: The price scan range: the largest ordinary move of SPAN.
    scan: Decimal
    exposure: Decimal
    #: Extra loss margin on the day of expiry.
    expiry_day: Decimal

    def addition(self, expiry: date, today: date) -> Decimal:
        """Return the fraction added for a short unit on its day of expiry, zero before."""
        return self.expiry_day if expiry <= today else Decimal(0)


class PercentageMargin:
    """Margin as a percentage of the underlying."""

    def __init__(
        self,
        index: Dated[ShortOptionPercent],
        stock: Dated[ShortOptionPercent],
        indices: Collection[str],
    ) -> None:
        self._index = index
        self._stock = stock
        #: Underlyings that are indices.
        self._indices = frozenset(indices)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> PercentageMargin:
        """Build the model from the parsed ``margin`` table."""
        index, stock = (_dated(table[name]) for name in ("short_options", "short_stock_options"))
        return cls(index, stock, table["span"]["indices"])

    def rule(self, underlying: str, today: date) -> ShortOptionPercent:
        """Return the fractions of a day."""
        return (self._index if underlying in self._indices else self._stock).on(today)

    def per_short_unit(self, underlying: str, expiry: date, spot: Decimal, today: date) -> Decimal:
        """Return rupees for one unit short; ``spot`` is the underlying in rupees."""
        rule = self.rule(underlying, today)
        fraction = rule.scan + rule.exposure + rule.addition(expiry, today)
        return (spot * fraction).quantize(PAISA, rounding=ROUND_UP)

    def unit_risk(self, underlying: str, expiry: date, spot: Decimal, today: date) -> UnitRisk:
        """Return the margin contribution of one unit of a contract."""
        is_last_day = expiry <= today
        if spot <= 0:
            return UnitRisk(expiry, MarginSource.NONE, NO_LOSSES, 0, 0, 0, is_last_day)
        charge = int(self.per_short_unit(underlying, expiry, spot, today) * STEPS)
        return UnitRisk(expiry, MarginSource.PERCENTAGE, NO_LOSSES, 0, charge, 0, is_last_day)


def _dated(rows: Iterable[Mapping[str, str]]) -> Dated[ShortOptionPercent]:
    return Dated((date.fromisoformat(row["from"]), _percent(row)) for row in rows)


def _percent(row: Mapping[str, str]) -> ShortOptionPercent:
    scan, exposure, expiry_day = (
        Decimal(row[f"{name}_percent"]) / 100 for name in ("scan", "exposure", "expiry_day")
    )
    return ShortOptionPercent(scan, exposure, expiry_day)
