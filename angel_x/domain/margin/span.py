"""The parameters of the clearing corporation's scenarios, by underlying and by date."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from angel_x.domain.margin.volatility import DailyVolatilities
from angel_x.domain.values.dated import Dated

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DAYS_PER_YEAR = 365.0
#: The scan ranges by daily volatility (NSE Clearing, SPAN risk parameters): of the price six standard
#: deviations over two days, of the volatility a quarter of the annual one, by the exchange's year.
_PRICE_DEVIATIONS = 6.0 * math.sqrt(2.0)
_VOLATILITY_SHARE = 0.25 * math.sqrt(_DAYS_PER_YEAR)
_MONTHS_PER_YEAR = 12.0


@dataclass(frozen=True, slots=True)
class ScanRange:
    """The least scan ranges of one kind of underlying, as fractions."""

    #: The largest ordinary move of the underlying.
    price: float
    #: The same for an option with more than :attr:`SpanParameters.distant_years` left.
    distant_price: float
    #: The shift of the volatility up and down: 0.04 is four vol points.
    volatility: float


@dataclass(frozen=True, slots=True)
class SpanParameters:
    """The parameters of the scenarios of one day."""

    #: Underlyings that are indices; all others are stocks.
    indices: frozenset[str]
    index: ScanRange
    stock: ScanRange
    distant_years: float
    #: The extreme move in price scan ranges, and the fraction of its loss that margin covers.
    extreme_moves: float
    extreme_cover: float
    #: The time step of a scenario.
    look_ahead_years: float
    #: Daily volatilities as fractions by underlying, NaN where stale.
    volatilities: Mapping[str, float] = field(default_factory=dict)

    def daily_volatilities(self, underlyings: Sequence[str]) -> NDArray[np.float64]:
        """Return the volatility of each underlying, zero where the floors apply and NaN where stale."""
        return np.array([self.volatilities.get(name, 0.0) for name in underlyings], np.float64)

    def scan_ranges(
        self,
        is_index: NDArray[np.bool_],
        years: NDArray[np.float64],
        volatilities: NDArray[np.float64] | float = 0.0,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the price and the volatility scan range of each chain, as fractions.

        ``volatilities`` are daily ones; the ranges of a NaN are NaN.
        """
        is_distant = years > self.distant_years
        of_index = np.where(is_distant, self.index.distant_price, self.index.price)
        of_stock = np.where(is_distant, self.stock.distant_price, self.stock.price)
        least = np.where(is_index, of_index, of_stock)
        least_shift = np.where(is_index, self.index.volatility, self.stock.volatility)
        return (
            np.maximum(least, _PRICE_DEVIATIONS * volatilities),
            np.maximum(least_shift, _VOLATILITY_SHARE * volatilities),
        )

    def are_indices(self, underlyings: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether each underlying is an index; the result is cached by the names."""
        return _are_in(tuple(underlyings), self.indices)


@lru_cache(maxsize=4)
def _are_in(names: tuple[str, ...], group: frozenset[str]) -> NDArray[np.bool_]:
    answer = np.array([name in group for name in names], np.bool_)
    answer.flags.writeable = False
    return answer


class DatedSpans(Dated[SpanParameters]):
    """The parameters by date, with the volatilities of the day."""

    def __init__(
        self, rows: Iterable[tuple[date, SpanParameters]], volatilities: DailyVolatilities
    ) -> None:
        super().__init__(rows)
        self._volatilities = volatilities

    def on(self, day: date) -> SpanParameters:
        return replace(super().on(day), volatilities=self._volatilities.on(day))


def span_table(margin: Mapping[str, Any], volatility: Mapping[str, Any]) -> Dated[SpanParameters]:
    """Return the parameters by date from the parsed ``margin`` and ``volatility`` tables."""
    span = margin["span"]
    indices = frozenset(span["indices"])
    rows = (
        (date.fromisoformat(row["from"]), _parameters(indices, row)) for row in span["scenarios"]
    )
    return DatedSpans(rows, DailyVolatilities.from_table(volatility))


def _parameters(indices: frozenset[str], row: Mapping[str, Any]) -> SpanParameters:
    return SpanParameters(
        indices=indices,
        index=_scan_range(row["index"]),
        stock=_scan_range(row["stock"]),
        distant_years=float(row["distant_months"]) / _MONTHS_PER_YEAR,
        extreme_moves=float(row["extreme_moves"]),
        extreme_cover=_fraction(row["extreme_cover_percent"]),
        look_ahead_years=float(row["look_ahead_days"]) / _DAYS_PER_YEAR,
    )


def _scan_range(row: Mapping[str, str]) -> ScanRange:
    return ScanRange(
        price=_fraction(row["price_percent"]),
        distant_price=_fraction(row["distant_price_percent"]),
        volatility=_fraction(row["volatility_points"]),
    )


def _fraction(percent: str) -> float:
    return float(Decimal(percent) / 100)
