"""Margin from risk arrays: the worst of 16 scenarios, and exposure margin as a percentage.

The scenarios are those of the clearing corporation's SPAN parameters, and so are exposure margin
and the extra margin on the day of expiry (NCL/CMPT/64639, 20-Nov-2024).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from angel_x.domain.margin.future_risk import future_losses
from angel_x.domain.margin.losses import SCENARIO_COUNT, Losses, losses_by_contract
from angel_x.domain.margin.margin import ExposureMargin, RiskRows
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.risk_arrays import DELTA_ROW, MARK_ROW
from angel_x.domain.margin.span import SpanParameters, span_table
from angel_x.domain.margin.unit_risk import STEPS, UnitRisk, unknown_risk
from angel_x.domain.values.dated import Dated

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Rupees of one unit above which a published number counts as corrupt.
_ABSURD = 1e8


class _Shared(NamedTuple):
    """The risk that all options of one underlying and expiry share."""

    expiry: date
    source: MarginSource
    charge: int
    expiry_day: int
    #: Rupees for each unit of delta that expiries offset.
    spread: Decimal
    is_last_day: bool

    def unit(self, losses: Losses, mark: int, delta: float, price: int | None) -> UnitRisk:
        """Return the risk of one option."""
        return UnitRisk(
            self.expiry,
            self.source,
            losses,
            mark,
            self.charge,
            # No credit against other expiries on the day of expiry, so no charge for it.
            0 if self.is_last_day else _steps(self.spread * Decimal(delta)),
            self.is_last_day,
            self.expiry_day,
            price,
        )


class _Day(NamedTuple):
    """A day with its charges for delta that two expiries offset, as fractions of the underlying."""

    today: date
    index_charge: Decimal
    stock_charge: Decimal
    span: SpanParameters

    def spread(self, rows: RiskRows, underlying: str, spot: Decimal) -> Decimal:
        """Return rupees for each unit of delta, by a risk file or by the charges of the day."""
        if rows.spreads is not None:
            return rows.spreads.get(underlying, Decimal(0))
        is_index = underlying in self.span.indices
        return spot * (self.index_charge if is_index else self.stock_charge)


class SpanMargin:
    """Margin from risk arrays; that of a contract without one is unknown.

    Futures have no published arrays: theirs follow from the spot, or are those of a risk file.
    """

    def __init__(
        self,
        exposure: ExposureMargin,
        spread_charges: Dated[Decimal],
        stock_spread_charges: Dated[Decimal],
        spans: Dated[SpanParameters],
    ) -> None:
        self._exposure_margin = exposure
        self._spans = spans
        #: Fractions of the underlying, for each unit of delta that two expiries offset.
        self._spread_charges = spread_charges
        self._stock_spread_charges = stock_spread_charges

    @classmethod
    def from_tables(cls, margin: Mapping[str, Any], volatility: Mapping[str, Any]) -> SpanMargin:
        """Build the model from the parsed ``margin`` and ``volatility`` tables."""
        of_indices = margin["calendar_spreads"]
        of_stocks = margin.get("stock_calendar_spreads") or of_indices
        return cls(
            ExposureMargin.from_table(margin),
            _charges(of_indices),
            _charges(of_stocks),
            span_table(margin, volatility),
        )

    def unit_risks(self, rows: RiskRows, today: date) -> list[UnitRisk]:
        """Return the margin contribution of one unit of each contract, as a ``MarginModel``."""
        day = _Day(
            today,
            self._spread_charges.on(today),
            self._stock_spread_charges.on(today),
            self._spans.on(today),
        )
        steps, are_usable = _in_steps(rows)
        usable = are_usable.tolist()
        losses, marks = losses_by_contract(steps[:SCENARIO_COUNT]), steps[SCENARIO_COUNT].tolist()
        deltas = np.where(are_usable, rows.columns[DELTA_ROW].astype(np.float64), 0.0).tolist()
        shared: dict[tuple[str, date, Decimal], _Shared] = {}
        units = []
        chains = zip(rows.underlyings, rows.expiries, rows.spots, strict=True)
        for place, chain in enumerate(chains):
            _, expiry, spot = chain
            price, traded = rows.price(place), rows.future(place)
            if traded is not None:
                units.append(self._future(rows, place, traded, day))
            elif not (usable[place] and spot > 0):
                units.append(unknown_risk(expiry, is_last_day=expiry <= today, price=price))
            else:
                known = shared.get(chain)
                if known is None:
                    known = shared[chain] = self._shared(rows, *chain, day)
                units.append(known.unit(losses[place], marks[place], deltas[place], price))
        return units

    def _shared(
        self,
        rows: RiskRows,
        underlying: str,
        expiry: date,
        spot: Decimal,
        day: _Day,
    ) -> _Shared:
        today = day.today
        addition = self._addition(underlying, expiry, spot, today)
        return _Shared(
            expiry,
            rows.source,
            charge=self._exposure(underlying, spot, today) + addition,
            expiry_day=addition,
            spread=day.spread(rows, underlying, spot),
            is_last_day=expiry <= today,
        )

    def _future(self, rows: RiskRows, place: int, price: Decimal, day: _Day) -> UnitRisk:
        """Return the risk of a future: no value, and exposure margin of its own price on either side."""
        underlying, expiry, spot = rows.underlyings[place], rows.expiries[place], rows.spots[place]
        today = day.today
        losses = _future_losses(rows, place, day.span) if price > 0 and spot > 0 else None
        if losses is None:
            return unknown_risk(
                expiry, is_last_day=expiry <= today, is_future=True, price=rows.price(place)
            )
        return UnitRisk(
            expiry,
            rows.source,
            losses,
            mark=0,
            charge=self._exposure(underlying, price, today),
            spread=0 if expiry <= today else _steps(day.spread(rows, underlying, spot)),
            is_last_day=expiry <= today,
            price=rows.price(place),
            is_future=True,
        )

    def _exposure(self, underlying: str, spot: Decimal, today: date) -> int:
        return _steps(spot * self._exposure_margin.rates(underlying, today).exposure)

    def _addition(self, underlying: str, expiry: date, spot: Decimal, today: date) -> int:
        return _steps(spot * self._exposure_margin.rates(underlying, today).addition(expiry, today))


def _future_losses(rows: RiskRows, place: int, span: SpanParameters) -> Losses | None:
    """Return the losses of a future in steps; None where the risk file lacks it or they are unknown."""
    if rows.source is not MarginSource.RISK_FILE:
        return future_losses(rows.underlyings[place], rows.spots[place], span)
    losses = rows.columns[:SCENARIO_COUNT, place].astype(np.float64)
    if not (rows.is_fresh[place] and (np.abs(losses) < _ABSURD).all()):
        return None
    return Losses(np.rint(losses * STEPS).astype(np.int64).tolist())


def _charges(rows: Iterable[Mapping[str, str]]) -> Dated[Decimal]:
    return Dated(
        (date.fromisoformat(row["from"]), Decimal(row["charge_percent"]) / 100) for row in rows
    )


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
