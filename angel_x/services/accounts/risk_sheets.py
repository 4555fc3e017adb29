"""Margin of contracts, from the published risk arrays and spots."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import structlog

from angel_x.domain.book.settlement import intrinsic_value
from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import is_future, parse_expiry
from angel_x.domain.margin.margin import MarginModel, RiskRows
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.risk_arrays import RISK_ROWS
from angel_x.domain.margin.risk_file import RiskFile
from angel_x.domain.margin.unit_risk import (
    STEPS,
    RiskSheet,
    UnitRisk,
    expired_risk,
    no_risks,
)
from angel_x.domain.operations.metric import Metric
from angel_x.domain.quotes.quote import mid_paise
from angel_x.domain.values.money import ZERO, rupees
from angel_x.services.ports import Clock, Meter, QuoteBoard, UniverseSource
from angel_x.services.valuation_ports import ReadColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe


log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Edition:
    """The spots and risks read for one universe, valid for ``keep_seconds``."""

    version: str
    today: date
    until: float
    spots: dict[str, Decimal]
    units: dict[str, UnitRisk] = field(default_factory=dict)


def no_risk_file() -> RiskFile | None:
    """Return None: the risk arrays are those of the Greeks workers."""
    return None


@dataclass(slots=True, kw_only=True)
class RiskSheets:
    """Reads the risks of contracts, cached for ``keep_seconds`` so that batches share one read."""

    universes: UniverseSource
    quotes: QuoteBoard
    read_arrays: ReadColumns
    model: MarginModel
    meter: Meter
    clock: Clock
    market_clock: Clock
    monotonic: Callable[[], float]
    #: Returns the risk file that stands in for the arrays of the Greeks workers.
    risk_file: Callable[[], RiskFile | None] = no_risk_file
    #: Returns whether a file of the first day counts on the second one.
    counts: Callable[[date, date], bool] = operator.eq
    #: Older risk arrays are ignored.
    max_age_seconds: float
    keep_seconds: float
    #: The exceptions that mean an unavailable server.
    unreachable: tuple[type[Exception], ...] = ()
    _blind_until: float = field(default=0.0, init=False)
    _edition: _Edition | None = field(default=None, init=False)

    def of(self, symbols: Collection[str]) -> RiskSheet:
        """Return the margin contribution of one unit of each contract.

        While the cache is unavailable all contracts are without market data; this result is kept
        for ``keep_seconds`` too.
        """
        if self.monotonic() < self._blind_until:
            return no_risks(symbols)
        try:
            return self._of(symbols)
        except self.unreachable as error:
            log.warning("risk_arrays.missed", contracts=len(symbols), error=repr(error))
            self._blind_until = self.monotonic() + self.keep_seconds
            return no_risks(symbols)

    def _of(self, symbols: Collection[str]) -> RiskSheet:
        universe = self.universes.current()
        edition = self._current(universe)
        missing = [s for s in symbols if edition is None or s not in edition.units]
        if edition is None or missing:
            rows = _rows(universe, missing)
            # Spots and quotes are one round trip.
            quotes, spots = self.quotes.read_rows_and_spots(universe, np.maximum(rows, 0))
            edition = edition or self._begin(universe, spots)
            prices = _prices(quotes, rows >= 0)
            age = epoch_ms(self.clock()) - quotes["time"]
            futures = _future_prices(missing, prices, age <= self.max_age_seconds * 1000)
            edition.units.update(self._read(universe, edition, missing, rows, prices, futures))
        return {symbol: edition.units[symbol] for symbol in symbols}

    def _current(self, universe: Universe) -> _Edition | None:
        """Return the edition that still holds."""
        edition = self._edition
        if (
            edition is None
            or edition.version != universe.version
            or edition.today != self._today()
            or edition.until <= self.monotonic()
        ):
            return None
        return edition

    def _begin(self, universe: Universe, spots: NDArray[np.void]) -> _Edition:
        until = self.monotonic() + self.keep_seconds
        named = zip(universe.underlyings, spots["last"].tolist(), strict=True)
        known = {name: rupees(max(last, 0)) for name, last in named}
        self._edition = _Edition(universe.version, self._today(), until, known)
        return self._edition

    def _today(self) -> date:
        return self.market_clock().astimezone(IST).date()

    def _read(
        self,
        universe: Universe,
        edition: _Edition,
        symbols: Sequence[str],
        rows: NDArray[np.int64],
        prices: Sequence[int | None],
        futures: Sequence[Decimal | None],
    ) -> dict[str, UnitRisk]:
        found = self._rows(universe, edition, symbols, rows)
        known = replace(found, futures=futures, prices=prices)
        read = self.model(known, edition.today)
        read = self._with_payoffs(universe, rows, symbols, known, read)
        if not all(known.spots):
            # Not cached: the next call reads the spots again.
            self._edition = None
        if unknown := sum(not unit.is_known for unit in read):
            self.meter.add(Metric.RISK_ARRAYS_MISSED, unknown)
        return dict(zip(symbols, read, strict=True))

    def _with_payoffs(
        self,
        universe: Universe,
        rows: NDArray[np.int64],
        symbols: Sequence[str],
        known: RiskRows,
        units: Sequence[UnitRisk],
    ) -> list[UnitRisk]:
        """Return the risks with those of expired contracts, which await their settlement."""
        now = self.market_clock()
        today = now.astimezone(IST).date()
        return [
            expired_risk(expiry, intrinsic_value(symbol, spot), is_future=is_future(symbol))
            if spot > 0
            and (expiry < today or (row >= 0 and universe.expires_at[row] <= now.timestamp()))
            else unit
            for symbol, row, expiry, spot, unit in zip(
                symbols, rows.tolist(), known.expiries, known.spots, units, strict=True
            )
        ]

    def _rows(
        self,
        universe: Universe,
        edition: _Edition,
        symbols: Sequence[str],
        rows: NDArray[np.int64],
    ) -> RiskRows:
        """Return the risk arrays of contracts: those of a risk file, or else the published ones."""
        # Parsed from the symbol, so that contracts that are unlisted meanwhile have them too.
        parsed = [parse_expiry(symbol) for symbol in symbols]
        names, expiries = [name for name, _ in parsed], [expiry for _, expiry in parsed]
        spots = [edition.spots.get(name, ZERO) for name in names]
        file = self.risk_file()
        if file is None:
            columns, times = self._arrays(universe, rows)
            is_fresh = epoch_ms(self.clock()) - times <= self.max_age_seconds * 1000
            return RiskRows(names, expiries, spots, columns, is_fresh)
        columns, counts = file.columns_of(symbols), self.counts(file.day, edition.today)
        is_fresh, source = np.full(len(symbols), counts), MarginSource.RISK_FILE
        return RiskRows(names, expiries, spots, columns, is_fresh, source, file.spreads)

    def _arrays(
        self, universe: Universe, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
        """Return risk arrays and their times; NaN and zero for contracts that are not listed."""
        columns: NDArray[np.floating] = np.full((RISK_ROWS, len(rows)), np.nan, np.float32)
        times = np.zeros(len(rows), np.int64)
        listed = rows >= 0
        if listed.any():
            columns[:, listed], times[listed] = self.read_arrays(universe, rows[listed])
        return columns, times


def _rows(universe: Universe, symbols: Sequence[str]) -> NDArray[np.int64]:
    """Return the row of each contract, -1 where it is not listed."""
    found = [universe.row(symbol) for symbol in symbols]
    return np.array([-1 if row is None else row for row in found], np.int64)


def _future_prices(
    symbols: Sequence[str], prices: Sequence[int | None], is_fresh: NDArray[np.bool_]
) -> list[Decimal | None]:
    """Return the price of each future in rupees, zero without a fresh quote; None for an option."""
    return [
        (Decimal(price) / STEPS if price and is_recent else ZERO) if is_future(symbol) else None
        for symbol, price, is_recent in zip(symbols, prices, is_fresh.tolist(), strict=True)
    ]


def _prices(quotes: NDArray[np.void], is_listed: NDArray[np.bool_]) -> list[int | None]:
    """Return the mark of each quote in steps, None where there is no quote."""
    marks = np.where(is_listed & (quotes["time"] > 0), mid_paise(quotes), np.nan)
    steps = np.rint(np.nan_to_num(marks, nan=-1.0) * (STEPS // 100)).astype(np.int64)
    return [None if mark < 0 else mark for mark in steps.tolist()]
