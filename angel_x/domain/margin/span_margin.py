"""Margin from risk arrays: the worst of 16 scenarios, and exposure margin as a percentage.

The scenarios are those of the clearing corporation's SPAN parameters, and so are exposure margin
and the extra margin on the day of expiry (NCL/CMPT/64639, 20-Nov-2024).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from angel_x.domain.margin.future_risk import future_losses
from angel_x.domain.margin.margin import ExposureMargin, RiskRows
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.risk_arrays import DELTA_ROW, MARK_ROW
from angel_x.domain.margin.span import SpanParameters, span_table
from angel_x.domain.margin.unit_risk import (
    SCENARIO_COUNT,
    STEPS,
    Losses,
    UnitRisk,
    unknown_risk,
)
from angel_x.domain.values.dated import Dated

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Rupees of one unit above which a published number counts as corrupt.
_ABSURD = 1e8


class SpanMargin:
    """Margin from risk arrays; that of a contract without one is unknown.

    Futures have no published arrays: theirs follow from the spot, or are those of a risk file.
    """

    def __init__(
        self,
        exposure: ExposureMargin,
        spread_charges: Dated[Decimal],
        spans: Dated[SpanParameters],
    ) -> None:
        self._exposure_margin = exposure
        self._spans = spans
        #: Fraction of the underlying, for each unit of delta that two expiries offset.
        self._spread_charges = spread_charges

    @classmethod
    def from_tables(cls, margin: Mapping[str, Any], volatility: Mapping[str, Any]) -> SpanMargin:
        """Build the model from the parsed ``margin`` and ``volatility`` tables."""
        charges = (
            (date.fromisoformat(row["from"]), Decimal(row["charge_percent"]) / 100)
            for row in margin["calendar_spreads"]
        )
        spans = span_table(margin, volatility)
        return cls(ExposureMargin.from_table(margin), Dated(charges), spans)

    def unit_risks(self, rows: RiskRows, today: date) -> list[UnitRisk]:
        """Return the margin contribution of one unit of each contract, as a ``MarginModel``."""
        steps, usable = _in_steps(rows)
        spread_charge = self._spread_charges.on(today)
        deltas = np.where(usable, rows.columns[DELTA_ROW].astype(np.float64), 0.0).tolist()
        marks = steps[SCENARIO_COUNT].tolist()
        losses = list(zip(*steps[:SCENARIO_COUNT].tolist(), strict=True))
        return [
            self._future(rows, place, price, today)
            if (price := rows.future(place)) is not None
            else UnitRisk(
                expiry,
                rows.source,
                losses[place],
                marks[place],
                self._exposure(underlying, spot, today)
                + self._addition(underlying, expiry, spot, today),
                # No credit against other expiries on the day of expiry, so no charge for it.
                0
                if expiry <= today
                else _steps(
                    _spread(rows, underlying, spot * spread_charge) * Decimal(deltas[place])
                ),
                expiry <= today,
                self._addition(underlying, expiry, spot, today),
            )
            if is_usable and spot > 0
            else unknown_risk(expiry, is_last_day=expiry <= today)
            for place, (underlying, expiry, spot, is_usable) in enumerate(
                zip(rows.underlyings, rows.expiries, rows.spots, usable.tolist(), strict=True)
            )
        ]

    def _future(self, rows: RiskRows, place: int, price: Decimal, today: date) -> UnitRisk:
        """Return the risk of a future: no value, and exposure margin of its own price on either side."""
        underlying, expiry, spot = rows.underlyings[place], rows.expiries[place], rows.spots[place]
        losses = self._losses(rows, place, today) if price > 0 and spot > 0 else None
        if losses is None:
            return unknown_risk(expiry, is_last_day=expiry <= today, is_future=True)
        spread = _spread(rows, underlying, spot * self._spread_charges.on(today))
        return UnitRisk(
            expiry,
            rows.source,
            losses,
            mark=0,
            charge=self._exposure(underlying, price, today),
            spread=0 if expiry <= today else _steps(spread),
            is_last_day=expiry <= today,
            is_future=True,
        )

    def _losses(self, rows: RiskRows, place: int, today: date) -> Losses | None:
        """Return the losses of a future in steps; None where the risk file lacks it or they are unknown."""
        if rows.source is not MarginSource.RISK_FILE:
            return future_losses(rows.underlyings[place], rows.spots[place], self._spans.on(today))
        losses = rows.columns[:SCENARIO_COUNT, place].astype(np.float64)
        if not (rows.is_fresh[place] and (np.abs(losses) < _ABSURD).all()):
            return None
        return tuple(np.rint(losses * STEPS).astype(np.int64).tolist())

    def _exposure(self, underlying: str, spot: Decimal, today: date) -> int:
        return _steps(spot * self._exposure_margin.rates(underlying, today).exposure)

    def _addition(self, underlying: str, expiry: date, spot: Decimal, today: date) -> int:
        return _steps(spot * self._exposure_margin.rates(underlying, today).addition(expiry, today))


def _spread(rows: RiskRows, underlying: str, own: Decimal) -> Decimal:
    """Return the calendar spread charge for each unit of delta in rupees."""
    return own if rows.spreads is None else rows.spreads.get(underlying, Decimal(0))


def _steps(amount: Decimal) -> int:
    return int((amount * STEPS).to_integral_value(ROUND_UP))


def _in_steps(rows: RiskRows) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return losses and mark of each contract in steps, and whether they are valid and fresh.

    Rounding may make the value of an option in a scenario slightly negative, so losses are limited
    to the mark.
    """
    columns = rows.columns.astype(np.float64)
    mark = columns[MARK_ROW]
    with np.errstate(invalid="ignore"):
        sane = (np.abs(columns) < _ABSURD).all(axis=0) & (mark >= 0)
    usable = sane & rows.is_fresh
    amounts = np.vstack([columns[:SCENARIO_COUNT], mark])
    steps = np.rint(np.where(usable, amounts, 0.0) * STEPS).astype(np.int64)
    steps[:SCENARIO_COUNT] = np.minimum(steps[:SCENARIO_COUNT], steps[SCENARIO_COUNT])
    return steps, usable
