"""A paper exchange in memory: two contracts, a clock that is moved by hand, orders without a database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, cast

import numpy as np

from angel_x.domain.account import Account, Exposure
from angel_x.domain.book import Book, Terms
from angel_x.domain.charges import charge_table
from angel_x.domain.denial import CancelReason
from angel_x.domain.expiry import epoch_ms
from angel_x.domain.latency import Latency
from angel_x.domain.margin_pool import MarginPools, Pair
from angel_x.domain.money import ZERO, rupees
from angel_x.domain.order import (
    RESTING,
    Order,
    OrderStatus,
    OrderType,
    Priority,
    Product,
    Side,
    Validity,
)
from angel_x.domain.position import Position
from angel_x.domain.protection import Protection
from angel_x.domain.quote import QUOTE
from angel_x.domain.risk import TradingRules
from angel_x.domain.slippage import Slippage
from angel_x.domain.span_margin import SpanMargin
from angel_x.domain.step import Passing, unhindered
from angel_x.services.aftermath import Aftermath
from angel_x.services.market_watch import MarketWatch
from angel_x.services.matching import Matching
from angel_x.services.paper_market import PaperMarket, PaperRules, order_columns
from angel_x.services.risk_sheets import RiskSheets
from config.market import table
from tests.builders.chains import MARKET_TIME, make_universe
from tests.builders.liquidity import MemoryLiquidity
from tests.builders.markets import ManualClock, MemoryQuoteBoard
from tests.builders.recorders import RecordingMeter
from tests.builders.risk import MemoryRiskBoard

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.services.units import Units
from angel_x.domain.universe import Universe

UNIVERSE = make_universe(expiries=(date(2026, 8, 25),), strikes=(24_000,))
CALL, PUT = UNIVERSE.symbols
LOT, TICK = 65, 5
MAX_AGE_SECONDS = 60.0
FULL_SECONDS = 3.0
_CASH = Decimal(10**12)
_SPOT_PAISE = 2_400_000


@dataclass(frozen=True)
class OneUniverse:
    universe: Universe

    def current(self) -> Universe:
        return self.universe

    def version(self, version: str) -> Universe | None:
        return self.universe if version == self.universe.version else None


class SilentAftermath(Aftermath):
    """Tells nobody."""

    def __init__(self) -> None:
        self.told: list[Book] = []

    def tell(self, book: Book, elapsed_seconds: float = 0.0) -> None:
        self.told.append(book)


@dataclass
class Exchange:
    """Accounts with all the money in the world, their orders, and the market that they meet."""

    slippage_ticks: int = 0
    latency: Latency = field(default_factory=Latency)
    seed: int = 0
    rules: TradingRules = field(default_factory=TradingRules)
    orders: dict[int, Order] = field(default_factory=dict)
    books: list[Book] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ManualClock(MARKET_TIME)
        self.board = MemoryQuoteBoard()
        self.liquidity = MemoryLiquidity()
        self.risk = MemoryRiskBoard()
        self.meter = RecordingMeter()
        self.accounts: dict[int, Account] = {}
        self.exposures: dict[tuple[int, str], Exposure] = {}
        self.positions: dict[tuple[int, str, Product], Position] = {}
        self.searches: list[Sequence[str] | None] = []
        universes = OneUniverse(UNIVERSE)
        self.margins: dict[Pair, Decimal] = {}
        self.sheets = RiskSheets(
            universes=universes,
            quotes=self.board,
            board=self.risk,
            model=SpanMargin.from_table(table("margin")),
            meter=self.meter,
            clock=self.clock,
            market_clock=self.clock,
            monotonic=lambda: self.clock().timestamp(),
            max_age_seconds=MAX_AGE_SECONDS,
            keep_seconds=0.0,
        )
        self.market = PaperMarket(
            universes=universes,
            quotes=self.board,
            liquidity=self.liquidity,
            rules=PaperRules(
                charges=charge_table(table("charges")["options"]),
                protection=Protection.from_table(table("price_bands")),
                slippage=Slippage(self.slippage_ticks, self.seed),
                latency=self.latency,
                max_quote_age_seconds=MAX_AGE_SECONDS,
            ),
            clock=self.clock,
            market_clock=self.clock,
        )
        self.watch = MarketWatch(
            universes=universes,
            quotes=self.board,
            clock=self.clock,
            monotonic=lambda: self.clock().timestamp(),
            max_quote_age_seconds=MAX_AGE_SECONDS,
            full_seconds=FULL_SECONDS,
        )
        self.matching = Matching(
            search=self,
            watch=self.watch,
            # Matching needs less of a transaction than others do.
            units=cast("Units", self),
            market=self.market,
            aftermath=SilentAftermath(),
            market_clock=self.clock,
            transient=(),
        )
        self.tell_spot()

    def quote(self, symbol: str = CALL, **columns: int) -> None:
        """Quote a contract in paise and units; what is not said is 10000 x 10050, 10 lots a side."""
        self.clock.advance(0.001)
        quotes = np.zeros(1, QUOTE)
        usual = {
            "bid": 10_000,
            "ask": 10_050,
            "last": 10_000,
            "bid_size": 10 * LOT,
            "ask_size": 10 * LOT,
        }
        for name, value in (usual | columns).items():
            quotes[name] = value
        quotes["time"] = epoch_ms(self.clock())
        self.board.write(UNIVERSE, np.array([UNIVERSE.rows[symbol]]), quotes)

    def restate(self) -> None:
        """Say everything again, as of now."""
        self.clock.advance(0.001)
        quotes = self.board.read(UNIVERSE)
        rows = np.flatnonzero(quotes["time"])
        quotes["time"] = epoch_ms(self.clock())
        self.board.write(UNIVERSE, rows, quotes[rows])
        self.tell_spot()

    def tell_spot(self, paise: int = _SPOT_PAISE) -> None:
        spots = np.zeros(1, QUOTE)
        spots["time"], spots["last"] = epoch_ms(self.clock()), paise
        self.board.write_spots(UNIVERSE, spots)

    def order(
        self,
        side: Side = Side.BUY,
        lots: int = 1,
        limit: int | None = None,
        trigger: int | None = None,
        symbol: str = CALL,
        validity: Validity = Validity.DAY,
        user_id: int = 1,
    ) -> Order:
        """Store an order; prices in paise.  Without a limit it is at market, with a trigger a stop."""
        number = len(self.orders) + 1
        order_type = OrderType.MARKET if limit is None else OrderType.LIMIT
        order = Order(
            id=number,
            user_id=user_id,
            symbol=symbol,
            side=side,
            quantity=lots * LOT,
            filled_quantity=0,
            order_type=order_type if trigger is None else OrderType.STOP_LIMIT,
            limit_price=None if limit is None else rupees(limit),
            trigger_price=None if trigger is None else rupees(trigger),
            validity=validity,
            priority=Priority.NORMAL,
            status=OrderStatus.RECEIVED,
            valid_until=MARKET_TIME + timedelta(days=1),
            client_order_id=f"c{number}",
            time_priority=number,
        )
        self.accounts.setdefault(user_id, Account(user_id, _CASH, ZERO, ZERO))
        self.orders[number] = order
        return order

    def decide(self, *orders: Order) -> list[Terms]:
        """Decide orders as one batch."""
        terms = self.market.terms(orders)
        with self.begin() as unit:
            book = self._book()
            for order, offered in zip(orders, terms, strict=True):
                book.decide(order, offered)
            unit.record(book, "execution")
        return terms

    def cancel(self, order: Order) -> None:
        book = self._book()
        book.take_off(order, OrderStatus.CANCELED, CancelReason.REQUESTED)
        self.record(book)

    @property
    def fills(self) -> list[tuple[int, int, int]]:
        """Order, units and paise of every fill."""
        return [(f.order.id, f.quantity, int(f.price * 100)) for b in self.books for f in b.fills]

    def _book(self) -> Book:
        margins = MarginPools(dict(self.margins), self.sheets.of)
        return Book(self.accounts, self.exposures, self.positions, self.rules, margins=margins)

    def record(self, book: Book) -> None:
        """Keep what a book came to."""
        self.books.append(book)
        self.margins = book.margins.held()

    # What matching sees of a database.

    def resting(self, universe: Universe, symbols: Sequence[str] | None) -> NDArray[np.void]:
        self.searches.append(symbols)
        found = [o for o in self.orders.values() if o.status in RESTING]
        return order_columns([o for o in found if symbols is None or o.symbol in symbols], universe)

    @contextmanager
    def begin(self) -> Iterator[MemoryUnit]:
        yield MemoryUnit(self)

    @property
    def at(self) -> Passing:
        return unhindered


@dataclass
class MemoryUnit:
    """What matching asks of a transaction; it cannot fail."""

    exchange: Exchange

    def orders(
        self, order_ids: Sequence[int], statuses: Collection[OrderStatus]
    ) -> tuple[list[Order], Book]:
        found = [self.exchange.orders[i] for i in sorted(order_ids)]
        return [o for o in found if o.status in statuses], self.exchange._book()

    def record(self, book: Book, actor: str) -> None:
        self.exchange.record(book)

    def commit(self) -> None:
        pass
