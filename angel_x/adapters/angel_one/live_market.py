"""The market at the broker as a source of market data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import structlog

from angel_x.adapters.angel_one.instrument_tokens import INDICES
from angel_x.adapters.angel_one.market_frames import Instrument, Mode
from angel_x.adapters.angel_one.market_socket import (
    MOST_CONNECTIONS,
    MOST_SUBSCRIPTIONS,
    Subscription,
)
from angel_x.adapters.angel_one.market_stream import MarketStream
from angel_x.adapters.angel_one.tick_book import TickBook
from angel_x.adapters.clock import wall_clock
from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.feed.market_move import MarketMove
from angel_x.domain.feed.simulator import central_strikes
from angel_x.domain.feed.token_choice import nearest_rows
from angel_x.domain.quotes.quote import QUOTE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

log = structlog.get_logger()

_LOOK_SECONDS = 0.1
#: Seconds between two choices of the subscribed contracts.
_CHOICE_SECONDS = 30.0
#: The wait for the first ticks, and the time in which the first snapshots follow them.
_PATIENCE_SECONDS, _GATHER_SECONDS = 10.0, 1.0

#: Opens the stream of instruments.
OpenStream = Callable[[Sequence[Instrument]], MarketStream]


class LiveMarket:
    """Quotes contracts with a position or an order, then those nearest to the money.

    The choice follows the market.  While a connection is down the source has no market, and quotes
    without a tick become stale.
    """

    name = "angel-one"
    cadence = None
    is_continuous = False

    def __init__(
        self,
        universe: Universe,
        tokens: Mapping[str, Instrument],
        *,
        open_stream: OpenStream,
        find_held: Callable[[], Collection[str]],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """Take the tokens of contracts by symbol, and the symbols held or resting now.

        A contract or an index without a token has no quotes.
        """
        self.universe = universe
        self._tokens = tokens
        self._open_stream = open_stream
        self._find_held = find_held
        self._clock = clock
        self._monotonic = monotonic
        self._stream: MarketStream | None = None
        listed = [(row, tokens.get(symbol)) for row, symbol in enumerate(universe.symbols)]
        #: The rows with a token, and the underlyings with one: the places of the stream, in this order.
        self._rows = np.array([row for row, token in listed if token is not None], np.int64)
        self._indices = [n for n, name in enumerate(universe.underlyings) if name in INDICES]
        self._instruments = [token for _, token in listed if token is not None]
        self._instruments += [INDICES[universe.underlyings[n]] for n in self._indices]

    @property
    def has_market(self) -> bool:
        return self._stream is not None and self._stream.has_market

    def moves(self, since: datetime | None = None) -> Generator[MarketMove]:
        """Yield moves as ticks come; market time is the present, whatever is asked for."""
        if since is not None:
            log.info("live_market.no_history", asked=since.isoformat())
        missing = len(self.universe) - len(self._rows)
        log.info("live_market.opened", contracts=len(self._rows), without_token=missing)
        with self._open_stream(self._instruments) as self._stream:
            yield from self._moves(self._stream)

    def relisted(self, universe: Universe) -> LiveMarket:
        return LiveMarket(
            universe,
            self._tokens,
            open_stream=self._open_stream,
            find_held=self._find_held,
            clock=self._clock,
            monotonic=self._monotonic,
        )

    def _moves(self, stream: MarketStream) -> Iterator[MarketMove]:
        book, at = TickBook(len(self._instruments)), self._clock()
        stream.want(self._chosen(book))
        chosen_at = self._monotonic()
        places = self._first(stream, book)
        while True:
            at = max(at, self._clock())
            yield self._move(book, places, at)
            if self._monotonic() - chosen_at >= _CHOICE_SECONDS:
                stream.want(self._chosen(book))
                chosen_at = self._monotonic()
            places = self._apply(stream, book)

    def _first(self, stream: MarketStream, book: TickBook) -> NDArray[np.int64]:
        """Gather the first snapshots: a first move is the whole market."""
        ends_at = self._monotonic() + _PATIENCE_SECONDS
        while (now := self._monotonic()) < ends_at:
            before = len(np.flatnonzero(book.quotes["time"]))
            if len(self._apply(stream, book)) and not before:
                ends_at = min(ends_at, now + _GATHER_SECONDS)
        return np.flatnonzero(book.quotes["time"])

    def _apply(self, stream: MarketStream, book: TickBook) -> NDArray[np.int64]:
        found = stream.take(_LOOK_SECONDS)
        return book.apply(found, epoch_ms(wall_clock()))

    def _move(self, book: TickBook, places: NDArray[np.int64], at: datetime) -> MarketMove:
        contracts = places[places < len(self._rows)]
        quotes, spots = book.quotes[contracts], np.zeros(len(self.universe.underlyings), QUOTE)
        spots[self._indices] = book.quotes[len(self._rows) :]
        # The receiver sets the time.
        quotes["time"] = spots["time"] = 0
        return MarketMove(at, self._rows[contracts], quotes, spots)

    def _chosen(self, book: TickBook) -> list[Subscription]:
        indices = self._instruments[len(self._rows) :]
        room = MOST_CONNECTIONS * MOST_SUBSCRIPTIONS - len(indices)
        held = [self.universe.row(symbol) for symbol in self._find_held()]
        known = np.array([row for row in held if row is not None], np.int64)
        rows = nearest_rows(self.universe, self._spots(book), self._rows, known, room)
        places = np.searchsorted(self._rows, np.sort(rows))
        contracts = [(Mode.SNAP_QUOTE, self._instruments[n]) for n in places.tolist()]
        return [(Mode.QUOTE, each) for each in indices] + contracts

    def _spots(self, book: TickBook) -> NDArray[np.float64]:
        """Return the last index levels in rupees, before the first tick the middle strikes."""
        middles = central_strikes(self.universe)
        spots = np.array([middles[name] for name in self.universe.underlyings], np.float64)
        last = book.quotes["last"][len(self._rows) :] / 100.0
        spots[self._indices] = np.where(last > 0, last, spots[self._indices])
        return spots
