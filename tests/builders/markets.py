"""Made recordings, sources, boards and clocks for what brings market data in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.calendar.session import TradingCalendar
from angel_x.domain.contracts.contract_rules import ContractFactory, ContractRules
from angel_x.domain.contracts.replaced import Replaced
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.feed.feed_state import FeedCommand, FeedState
from angel_x.domain.feed.market_move import MarketMove
from angel_x.domain.quotes.quote import QUOTE, MarketQuotes
from angel_x.services.trading_hours import TradingHours
from config.market import table

if TYPE_CHECKING:
    from numpy.typing import NDArray

RULES = ContractRules.from_table(table("contracts"))
CALENDAR = TradingCalendar.from_table(table("sessions"))
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
#: A market that trades around the clock.
ALWAYS_OPEN = TradingHours(CALENDAR, lambda: NOW, is_continuous=lambda: True)

CHAIN_HEADER = "timestamp,symbol,expiry,strike,option_type,spot,ltp,volume,oi,oi_chg"
CHAIN_ROWS = (
    "202608191127,NIFTY50,25-Aug-2026,24050.0,CE,24052.4,150.05,10.0,100.0,5.0",
    "202608191127,NIFTY50,25-Aug-2026,24050.0,PE,24052.4,147.4,20.0,200.0,-5.0",
    "202608191127,NIFTY50,01-Sep-2026,24050.0,CE,24052.4,0.05,0.0,0.0,0.0",
    "202608191128,NIFTY50,25-Aug-2026,24050.0,CE,24060.1,153.4,12.0,101.0,6.0",
    "202608191128,NIFTY50,25-Aug-2026,24050.0,PE,24060.1,147.4,20.0,200.0,-5.0",
)

#: The prices of NSE of 25-Jan-2024, a day of expiry, and of the day before.
EXPIRY_DAY = (
    "DATE,EXPIRY,OPTION TYPE,STRIKE PRICE,OPEN,CLOSE,SETTLE PRICE,TOTAL TRADED QUANTITY,MARKET LOT,"
    "OPEN INTEREST,SYMBOL,INSTRUMENT_TYPE\n"
    "2024-01-25,2024-01-25,CE,21000,453.65,318.45,21352.6,4668300,50,1500,NIFTY,OPTIDX\n"
    "2024-01-25,2024-01-25,PE,21000,2.65,0.1,21352.6,351492100,50,1500,NIFTY,OPTIDX\n"
    "2024-01-25,2024-01-25,CE,23000,0,0.05,21352.6,0,50,1500,NIFTY,OPTIDX\n"
    "2024-01-24,2024-01-25,CE,21000,340.00,452.60,452.6,750,50,1500,NIFTY,OPTIDX\n"
)


def chain_text(*rows: str) -> str:
    """Return a chain file with these rows."""
    return "\n".join([CHAIN_HEADER, *(rows or CHAIN_ROWS)]) + "\n"


def factory_on(day: date) -> ContractFactory:
    return ContractFactory(RULES, CALENDAR, day)


def make_quotes(last: Sequence[int], time: int = 0) -> NDArray[np.void]:
    """Return quotes of one tick on either side of these last prices in paise."""
    quotes = np.zeros(len(last), QUOTE)
    quotes["time"] = time
    quotes["last"] = last
    quotes["bid"] = np.array(last) - 5
    quotes["ask"] = np.array(last) + 5
    return quotes


def make_move(
    at: datetime, rows: Sequence[int], last: Sequence[int], spots: Sequence[int] = (2_400_000,)
) -> MarketMove:
    spot_quotes = np.zeros(len(spots), QUOTE)
    spot_quotes["last"] = spots
    return MarketMove(at, np.array(rows, np.int64), make_quotes(last), spot_quotes)


def standing_market(market: datetime, wall: datetime) -> FeedState:
    """Return what a feed says that is paused at a time of the market."""
    return FeedState(source="test", wall=wall, market=market, speed=1.0, is_paused=True)


class ManualClock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class ClockEvent(Event):
    """An event whose waiting takes the time of a manual clock, and that is set at an hour."""

    def __init__(self, clock: ManualClock, ends_at: datetime) -> None:
        super().__init__()
        self._clock = clock
        self._ends_at = ends_at

    def is_set(self) -> bool:
        return super().is_set() or self._clock() >= self._ends_at

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self._clock.advance(timeout)
        return self.is_set()


@dataclass
class ListedMoves:
    """A source that says what it was given."""

    universe: Universe
    given: Sequence[MarketMove]
    name: str = "listed"
    cadence: timedelta | None = None
    is_continuous: bool = False
    has_market: bool = True

    def moves(self, since: datetime | None = None) -> Iterator[MarketMove]:
        yield from (move for move in self.given if since is None or move.at >= since)

    def relisted(self, _universe: Universe) -> None:
        return None


class MemoryQuoteBoard:
    """A board of quotes in memory.  It never expires."""

    def __init__(self) -> None:
        self.quotes: dict[str, NDArray[np.void]] = {}
        self.spot_quotes: dict[str, NDArray[np.void]] = {}
        self.futures_quotes: dict[str, NDArray[np.void]] = {}
        self.writes: list[int] = []

    def write(self, universe: Universe, rows: NDArray[np.int64], quotes: NDArray[np.void]) -> None:
        board = self.quotes.setdefault(universe.version, np.zeros(len(universe), QUOTE))
        for row, quote in zip(rows.tolist(), quotes, strict=True):
            board[row] = quote
        self.writes.append(len(rows))

    def write_spots(
        self,
        universe: Universe,
        spots: NDArray[np.void],
        futures: NDArray[np.void] | None = None,
    ) -> None:
        self.spot_quotes[universe.version] = spots.copy()
        if futures is not None:
            self.futures_quotes[universe.version] = futures.copy()

    def read(self, universe: Universe) -> NDArray[np.void]:
        return self.quotes.get(universe.version, np.zeros(len(universe), QUOTE)).copy()

    def read_rows(self, universe: Universe, rows: NDArray[np.int64]) -> NDArray[np.void]:
        return self.read(universe)[rows]

    def read_rows_and_spots(
        self, universe: Universe, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.void], NDArray[np.void]]:
        return self.read_rows(universe, rows), self.spots(universe)

    def read_market(self, universe: Universe, rows: NDArray[np.int64]) -> MarketQuotes:
        none = np.zeros(len(universe.chains), QUOTE)
        futures = self.futures_quotes.get(universe.version, none)
        return MarketQuotes(self.read_rows(universe, rows), self.spots(universe), futures)

    def spots(self, universe: Universe) -> NDArray[np.void]:
        empty = np.zeros(len(universe.underlyings), QUOTE)
        return self.spot_quotes.get(universe.version, empty)


@dataclass
class RecordingBeacon:
    shown: list[FeedState] = field(default_factory=list)
    hidden: int = 0

    def show(self, state: FeedState) -> None:
        self.shown.append(state)

    def hide(self) -> None:
        self.hidden += 1


class TimedCommands:
    """Commands that are given when a manual clock reaches their hour."""

    def __init__(self, clock: ManualClock, *given: tuple[float, FeedCommand]) -> None:
        self._clock = clock
        self._given = list(given)

    def take(self) -> FeedCommand | None:
        if not self._given or self._clock() < NOW + timedelta(seconds=self._given[0][0]):
            return None
        return self._given.pop(0)[1]


@dataclass
class MemoryPointer:
    """Where the published version is; it fails as often as it is told to."""

    published: str | None = None
    asked: int = 0
    failures: int = 0

    def get(self) -> str | None:
        self.asked += 1
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the cache is away")
        return self.published

    def publish(self, version: str) -> None:
        self.published = version


@dataclass
class MemoryContracts:
    """Listed contracts in memory."""

    universe: Universe = field(default_factory=Universe)
    loads: int = 0
    #: Contracts with an open position or order.
    held: frozenset[str] = frozenset()

    def replace(self, universe: Universe) -> Replaced:
        kept = [c for c in self.universe.contracts if c.symbol in self.held - {*universe.symbols}]
        unlisted = {*self.universe.symbols} - {*universe.symbols} - {c.symbol for c in kept}
        closing_only = [contract.symbol for contract in kept]
        self.universe = Universe([*universe.contracts, *kept], closing_only=closing_only)
        return Replaced(len(unlisted), tuple(c.symbol for c in kept))

    def load(self) -> Universe:
        self.loads += 1
        return self.universe
