"""Greeks of the whole universe: asked for in chunks, computed, published, kept and read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import structlog

from angel_x.domain.chain_pricing import MarketRows, price_chains
from angel_x.domain.chunks import cut_chunks, is_whole_chains
from angel_x.domain.expiry import epoch_ms
from angel_x.domain.greek_columns import GREEK_FIELDS, GreekField, to_edge_units
from angel_x.domain.metric import Metric
from angel_x.domain.option_chain import ContractGreeks, Readings, contract_greeks
from angel_x.errors import UnknownContract
from angel_x.services.ports import Clock, Dispatcher, Meter, QuoteBoard, UniverseSource
from angel_x.services.valuation_ports import GreeksByRow, GreeksSnapshots

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeks:
    """Computes and publishes Greeks.  Every method may run twice without harm."""

    universes: UniverseSource
    quotes: QuoteBoard
    board: GreeksByRow
    snapshots: GreeksSnapshots
    dispatcher: Dispatcher
    meter: Meter
    clock: Clock
    market_clock: Clock
    #: The annual rate at which payoffs are discounted.
    rate: float
    #: How long published Greeks stand; a message that waited longer is not worth running.
    ttl_seconds: float

    def refresh(self) -> int:
        """Ask for every chunk of the current universe; return how many messages were taken."""
        universe = self.universes.current()
        return self.dispatcher.compute_greeks(
            universe.version, cut_chunks(universe), self.clock(), self.ttl_seconds
        )

    def compute_chunk(self, version: str, start: int, stop: int, as_of: datetime) -> int:
        """Price the rows ``start:stop`` at the quotes of now and publish; return how many rows.

        A message of another universe, not of whole chains, or with a time without a zone is
        dropped.  Running again on the same quotes writes the same bytes.
        """
        universe = self.universes.version(version)
        if universe is None:
            return self._dropped("unknown_version", version, start, stop)
        if not is_whole_chains(universe, start, stop):
            return self._dropped("impossible_bounds", version, start, stop)
        if as_of.tzinfo is None:
            return self._dropped("time_without_zone", version, start, stop)
        # Another machine's clock may be ahead; an age is never negative.
        asked_ms = min(epoch_ms(as_of), epoch_ms(self.clock()))
        market = MarketRows(
            quotes=self.quotes.read_rows(universe, np.arange(start, stop)),
            spots=self.quotes.spots(universe),
            at=self.market_clock().timestamp(),
            rate=self.rate,
        )
        columns = to_edge_units(price_chains(universe, start, stop, market))
        self.board.write(universe, start, columns, asked_ms)
        self.meter.add(Metric.GREEKS_CONTRACTS, stop - start)
        age_ms = epoch_ms(self.clock()) - asked_ms
        self.meter.set(Metric.GREEKS_AGE_SECONDS, age_ms / 1000.0)
        return stop - start

    def snapshot(self) -> int:
        """Keep the published Greeks of every row that has some; return how many rows."""
        universe = self.universes.current()
        columns, times = self.board.read(universe)
        rows = np.flatnonzero(np.isfinite(columns[: GreekField.FORWARD]).all(axis=0))
        if rows.size:
            self.snapshots.save(
                [universe.symbols[row] for row in rows],
                {name: columns[i, rows].tolist() for i, name in enumerate(GREEK_FIELDS)},
                times[rows].tolist(),
            )
        return int(rows.size)

    def of(self, symbol: str) -> ContractGreeks:
        """Return the published Greeks and the quote of one symbol.

        Raises:
            UnknownContract: The universe does not hold the symbol.
        """
        universe = self.universes.current()
        row = universe.row(symbol)
        if row is None:
            raise UnknownContract("symbol", symbol)
        rows = np.array([row], np.int64)
        quotes = self.quotes.read_rows(universe, rows)
        readings = Readings(quotes, *self.board.read_rows(universe, rows))
        result = "hit" if readings.times[0] else "miss"
        self.meter.add(Metric.CACHE_REQUESTS, cache="greeks", result=result)
        return contract_greeks(universe, [row], readings, epoch_ms(self.clock()))[0]

    def _dropped(self, reason: str, version: str, start: int, stop: int) -> int:
        log.warning("chunk.dropped", reason=reason, version=version, start=start, stop=stop)
        self.meter.add(Metric.MESSAGES_DROPPED, reason=reason)
        return 0
