"""Margin of contracts, from the published risk arrays and spots."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import structlog

from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import parse_symbol
from angel_x.domain.margin.margin import MarginModel, RiskRows
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.risk_arrays import RISK_ROWS
from angel_x.domain.margin.unit_risk import RiskSheet, UnitRisk, no_risks
from angel_x.domain.operations.metric import Metric
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
        missing = [symbol for symbol in symbols if symbol not in edition.units]
        if missing:
            edition.units.update(self._read(universe, edition, missing))
        return {symbol: edition.units[symbol] for symbol in symbols}

    def _current(self, universe: Universe) -> _Edition:
        today, now = self.market_clock().astimezone(IST).date(), self.monotonic()
        edition = self._edition
        if (
            edition is None
            or edition.version != universe.version
            or edition.today != today
            or edition.until <= now
        ):
            edition = _Edition(
                universe.version, today, now + self.keep_seconds, self._spots(universe)
            )
            self._edition = edition
        return edition

    def _spots(self, universe: Universe) -> dict[str, Decimal]:
        paise = self.quotes.spots(universe)["last"].tolist()
        names = universe.underlyings
        return {name: rupees(max(last, 0)) for name, last in zip(names, paise, strict=True)}

    def _read(
        self, universe: Universe, edition: _Edition, symbols: Sequence[str]
    ) -> dict[str, UnitRisk]:
        columns, times = self._arrays(universe, symbols)
        is_fresh = epoch_ms(self.clock()) - times <= self.max_age_seconds * 1000
        # Parsed from the symbol, so that contracts that are unlisted meanwhile have them too.
        parsed = [parse_symbol(symbol) for symbol in symbols]
        names = [underlying for underlying, *_ in parsed]
        spots = [edition.spots.get(name, ZERO) for name in names]
        expiries = [expiry for _, expiry, *_ in parsed]
        known = RiskRows(names, expiries, spots, columns, is_fresh)
        read = self.model(known, edition.today)
        if any(unit.source is MarginSource.NONE for unit in read):
            # Not cached: the next call reads the spots again.
            self._edition = None
        fallen_back = sum(unit.source is not MarginSource.RISK_ARRAY for unit in read)
        if fallen_back:
            self.meter.add(Metric.MARGIN_FALLBACKS, fallen_back)
        return dict(zip(symbols, read, strict=True))

    def _arrays(
        self, universe: Universe, symbols: Sequence[str]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return risk arrays and their times; NaN and zero for contracts that are not listed."""
        found = [universe.row(symbol) for symbol in symbols]
        rows = np.array([-1 if row is None else row for row in found], np.int64)
        columns = np.full((RISK_ROWS, len(rows)), np.nan, np.float32)
        times = np.zeros(len(rows), np.int64)
        listed = rows >= 0
        if listed.any():
            columns[:, listed], times[listed] = self.read_arrays(universe, rows[listed])
        return columns, times
