"""Greeks and risk arrays of the whole universe: refreshed in chunks, published and read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import structlog

from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.calendar.session import IST
from angel_x.domain.chains.chain_pricing import MarketRows, price_chains
from angel_x.domain.chains.chain_record import ContractGreeks
from angel_x.domain.chains.chunks import (
    chain_span,
    cut_chunks,
    due_chains,
    is_whole_chains,
    oldest_first,
)
from angel_x.domain.chains.fingerprint import fingerprints
from angel_x.domain.chains.option_chain import Readings, contract_greeks
from angel_x.domain.chains.published import Valued
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.margin.span import SpanParameters
from angel_x.domain.operations.metric import Metric
from angel_x.domain.pricing.greek_columns import to_edge_units
from angel_x.domain.pricing.kernels import Kernels
from angel_x.domain.pricing.marks import QuoteAge
from angel_x.domain.pricing.pricing_model import PricingModel
from angel_x.domain.quotes.quote import MarketQuotes
from angel_x.domain.values.dated import Dated
from angel_x.errors import UnknownContract
from angel_x.services.ports import Clock, Dispatcher, Meter, QuoteBoard, UniverseSource
from angel_x.services.timing import track
from angel_x.services.valuation_ports import ChainBoards, ReadColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeks:
    """Computes and publishes Greeks and risk arrays.  Every method may run twice without harm.

    ``as_of`` is the wall time of the refresh that dispatched a chunk.  Time to expiry and the age of
    quotes are counted from it, and it is published as the time of the Greeks.
    """

    universes: UniverseSource
    quotes: QuoteBoard
    read_greeks: ReadColumns
    boards: ChainBoards
    dispatcher: Dispatcher
    meter: Meter
    clock: Clock
    #: Returns the market time of a wall time.
    market_time: Callable[[datetime], datetime]
    #: The annual rate at which payoffs are discounted, by the market's date.
    rates: Dated[float]
    #: The TTL of published Greeks.
    ttl_seconds: float
    #: The interval of refreshes, after which a message expires.
    refresh_seconds: float
    #: An older quote counts as stale.
    max_quote_age_seconds: float
    #: Returns the pricing back end; called on first use, because compiling takes seconds and megabytes.
    kernels: Callable[[], Kernels]
    model: PricingModel = PricingModel.BLACK76
    #: The parameters of the risk arrays, by the market's date; without them the arrays are NaN.
    spans: Dated[SpanParameters] | None = None
    #: The exceptions that mean an unavailable server.
    outages: tuple[type[Exception], ...] = ()

    def refresh(self) -> int:
        """Dispatch chunks of all chains that have moved or are old; return the number of sent messages.

        The chains published longest ago go first.  A second call dispatches unpublished chains
        again, behind the chunks of the first call; chunks expire when the next refresh is due, so
        they never accumulate.
        """
        try:
            with track(self.meter, Metric.GREEKS_REFRESH_SECONDS):
                sent = self._dispatch()
        except self.outages as error:
            log.warning("refresh.dropped", reason="server_away", error=str(error))
            self.meter.add(Metric.MESSAGES_DROPPED, reason="server_away")
            return 0
        self.meter.add(Metric.GREEKS_CHUNKS_SENT, sent)
        return sent

    def compute_chunk(self, version: str, start: int, stop: int, as_of: datetime) -> int:
        """Price the rows ``start:stop`` at the present quotes and publish; return the number of rows.

        A message is dropped, with 0 returned, if its universe is not current, its rows are not whole
        chains, its time has no zone or is older than the TTL, or a server is unavailable: the next
        refresh dispatches again.  A second call on the same quotes writes the same bytes.
        """
        try:
            universe, now = self.universes.version(version), self.clock()
            if universe is None:
                return self._dropped("unknown_version", version, start, stop)
            if reason := self._refusal(universe, start, stop, as_of, now):
                return self._dropped(reason, version, start, stop)
            # Another machine's clock may be ahead; an age is never negative.
            asked = min(as_of, now)
            self._spent("queue", (now - asked).total_seconds())
            self._compute(universe, start, stop, asked)
        except self.outages as error:
            log.warning("cache.unreachable", error=str(error))
            return self._dropped("server_away", version, start, stop)
        self.meter.add(Metric.GREEKS_CONTRACTS, stop - start)
        return stop - start

    def oldest_age_seconds(self) -> float | None:
        """Return the age of the oldest Greeks of a trading contract; None where no contract trades.

        Infinite where a trading contract has no Greeks.
        """
        universe, now = self.universes.current(), self.clock()
        starts = np.array([chain.start for chain in universe.chains], np.int64)
        trading = universe.expires_at[starts] > self.market_time(now).timestamp()
        times = self.boards.heads(universe).as_of_ms[trading]
        if not times.size:
            return None
        oldest = int(times.min())
        return max(0.0, (epoch_ms(now) - oldest) / 1000.0) if oldest > 0 else float("inf")

    def of(self, symbol: str) -> ContractGreeks:
        """Return the published Greeks and the quote of one symbol.

        Raises:
            UnknownContract: The symbol is not listed.
        """
        universe = self.universes.current()
        row = universe.row(symbol)
        if row is None:
            raise UnknownContract("symbol", symbol)
        rows = np.array([row], np.int64)
        quotes = self.quotes.read_rows(universe, rows)
        readings = Readings(quotes, *self.read_greeks(universe, rows))
        result = "hit" if readings.times[0] else "miss"
        self.meter.add(Metric.CACHE_REQUESTS, cache="greeks", result=result)
        return contract_greeks(universe, [row], readings, epoch_ms(self.clock()))[0]

    def _dispatch(self) -> int:
        universe, now = self.universes.current(), self.clock()
        if not universe.option_count:
            return 0
        market = self.quotes.read_market(universe, np.arange(universe.option_count))
        marks = self._fingerprints(universe, slice(None), market, epoch_ms(now))
        heads = self.boards.heads(universe)
        # Chains that would have less than half of their TTL left at the next refresh.
        most = max(0.0, self.ttl_seconds / 2 - self.refresh_seconds)
        due = due_chains(heads, marks, epoch_ms(now), most)
        chunks = oldest_first(universe, cut_chunks(universe, due), heads)
        return self.dispatcher.compute_greeks(universe.version, chunks, now, self.refresh_seconds)

    def _refusal(
        self, universe: Universe, start: int, stop: int, as_of: datetime, now: datetime
    ) -> str | None:
        if not is_whole_chains(universe, start, stop):
            return "impossible_bounds"
        if as_of.tzinfo is None:
            return "time_without_zone"
        return "too_old" if (now - as_of).total_seconds() > self.ttl_seconds else None

    def _compute(self, universe: Universe, start: int, stop: int, asked: datetime) -> None:
        with self._timed("read"):
            market = self.quotes.read_market(universe, np.arange(start, stop))
        with self._timed("compute"):
            valued = self._valued(universe, start, stop, market, asked)
        with self._timed("write"):
            self.boards.write(universe, start, valued)

    def _valued(
        self, universe: Universe, start: int, stop: int, market: MarketQuotes, asked: datetime
    ) -> Valued:
        asked_ms, market_time = epoch_ms(asked), self.market_time(asked)
        today = market_time.astimezone(IST).date()
        rows = MarketRows(
            quotes=market.quotes,
            spots=market.spots,
            futures=market.futures,
            at=market_time.timestamp(),
            rate=self.rates.on(today),
            now_ms=asked_ms,
            max_quote_age_seconds=self.max_quote_age_seconds,
            span=self.spans.on(today) if self.spans else None,
        )
        priced = price_chains(universe, start, stop, rows, self.kernels(), self.model)
        span = chain_span(universe, start, stop)
        marks = self._fingerprints(universe, span, market, asked_ms)
        return Valued(to_edge_units(priced.greeks), priced.risk, asked_ms, marks)

    def _fingerprints(
        self, universe: Universe, chains: slice, market: MarketQuotes, now_ms: int
    ) -> NDArray[np.uint64]:
        age = QuoteAge(now_ms, self.max_quote_age_seconds)
        return fingerprints(universe, chains, market, age)

    def _timed(self, stage: str) -> AbstractContextManager[None]:
        return track(self.meter, Metric.GREEKS_STAGE_SECONDS, stage=stage)

    def _spent(self, stage: str, seconds: float) -> None:
        self.meter.observe(Metric.GREEKS_STAGE_SECONDS, seconds, stage=stage)

    def _dropped(self, reason: str, version: str, start: int, stop: int) -> int:
        log.warning("chunk.dropped", reason=reason, version=version, start=start, stop=stop)
        self.meter.add(Metric.MESSAGES_DROPPED, reason=reason)
        return 0
