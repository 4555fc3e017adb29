"""Exposure margin of short options, as a percentage of the underlying."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.unit_risk import UnitRisk
from angel_x.domain.values.dated import Dated

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
    columns: NDArray[np.floating]
    #: Whether the risk array is recent enough.
    is_fresh: NDArray[np.bool_]
    source: MarginSource = MarginSource.RISK_ARRAY
    #: Rupees for each unit of delta that two expiries offset, by underlying; None for the model's own
    #: charge.
    spreads: Mapping[str, Decimal] | None = None
    #: Rupees of each future, zero where it has no fresh quote; None for an option.
    futures: Sequence[Decimal | None] | None = None
    #: Steps of each contract at which positions are valued, None without a quote.
    prices: Sequence[int | None] | None = None

    def future(self, place: int) -> Decimal | None:
        """Return the price of a future in rupees, None for an option."""
        return None if self.futures is None else self.futures[place]

    def price(self, place: int) -> int | None:
        """Return the price of a contract in steps, None without a quote."""
        return None if self.prices is None else self.prices[place]


#: Returns the margin contribution of one unit of each contract on a day.
MarginModel = Callable[[RiskRows, date], list[UnitRisk]]


@dataclass(frozen=True, slots=True)
class ExposureRates:
    """The margins of a short unit beyond the scenarios, as fractions of the underlying."""

    exposure: Decimal
    #: Extra loss margin on the day of expiry.
    expiry_day: Decimal

    def addition(self, expiry: date, today: date) -> Decimal:
        """Return the fraction added for a short unit on its day of expiry, zero before."""
        return self.expiry_day if expiry <= today else Decimal(0)


class ExposureMargin:
    """The exposure rates of indices and stocks by date."""

    def __init__(
        self,
        index: Dated[ExposureRates],
        stock: Dated[ExposureRates],
        indices: Collection[str],
    ) -> None:
        self._index = index
        self._stock = stock
        #: Underlyings that are indices.
        self._indices = frozenset(indices)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> ExposureMargin:
        """Build the rates from the parsed ``margin`` table."""
        index, stock = (_dated(table[name]) for name in ("short_options", "short_stock_options"))
        return cls(index, stock, table["span"]["indices"])

    def rates(self, underlying: str, today: date) -> ExposureRates:
        """Return the rates of a day."""
        return (self._index if underlying in self._indices else self._stock).on(today)


def _dated(rows: Iterable[Mapping[str, str]]) -> Dated[ExposureRates]:
    return Dated((date.fromisoformat(row["from"]), _rates(row)) for row in rows)


def _rates(row: Mapping[str, str]) -> ExposureRates:
    exposure, expiry_day = (
        Decimal(row[f"{name}_percent"]) / 100 for name in ("exposure", "expiry_day")
    )
    return ExposureRates(exposure, expiry_day)
