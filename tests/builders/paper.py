"""A paper exchange in memory: two contracts, a clock that is moved by hand, orders without a database."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.book.account import Account, Exposure
from angel_x.domain.book.book import Book
from angel_x.domain.book.limits import Limits
from angel_x.domain.book.risk import TradingRules
from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.exchange.latency import Latency
from angel_x.domain.exchange.matching import crosses
from angel_x.domain.exchange.protection import Protection
from angel_x.domain.exchange.slippage import Slippage
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import (
    RESTING,
    Order,
    OrderStatus,
    OrderType,
    Priority,
    Side,
    Validity,
)
from angel_x.domain.orders.step import Passing, unhindered
from angel_x.domain.quotes.quote import QUOTE
from angel_x.domain.values.money import rupees
from angel_x.services.accounts.risk_sheets import RiskSheets
from angel_x.services.trading.market_look import order_columns
from angel_x.services.trading.market_watch import MarketWatch
from angel_x.services.trading.matching import Matching
from angel_x.services.trading.paper_market import PaperMarket
from angel_x.services.trading.paper_rules import PaperRules
from angel_x.services.trading.paper_venue import PaperVenue
from angel_x.services.trading.reached_orders import ReachedOrders
from angel_x.services.trading_hours import TradingHours
from config.market import table
from tests.builders.chains import MARKET_TIME, make_universe
from tests.builders.liquidity import MemoryLiquidity
from tests.builders.markets import CALENDAR, ManualClock, MemoryQuoteBoard
from tests.builders.recorders import RecordingMeter
from tests.builders.risk import MemoryRiskBoard, model_columns
from tests.builders.venue_desk import venue_desk
from tests.fakes.aftermath import SilentAftermath
from tests.fakes.ladders import MemoryLadders
from tests.fakes.resting import MemoryResting
from tests.fakes.tables import Tables
from tests.fakes.units import MemoryUnits

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNIVERSE = make_universe(expiries=(date(2026, 8, 25),), strikes=(24_000,))
CALL, PUT = UNIVERSE.symbols
LOT, TICK = 65, 5
MAX_AGE_SECONDS = 60.0
FULL_SECONDS = 3.0
_SPOT_PAISE = 2_400_000


@cache
def _columns(spot: float) -> NDArray[np.float32]:
    """Return the risk arrays of a price of the underlying, made once for all tests."""
    return model_columns(UNIVERSE, at=MARKET_TIME.timestamp(), spot=spot)


@dataclass
class OneUniverse:
    universe: Universe
    #: The universe that is still in use, where the change has not been noticed.
    stale: Universe | None = None

    def current(self) -> Universe:
        return self.stale or self.universe

    def refreshed(self) -> Universe:
        self.stale = None
        return self.universe

    def version(self, version: str) -> Universe | None:
        return self.universe if version == self.universe.version else None


@dataclass
class Exchange:
    """Accounts with all the money in the world, their orders, and the market that they meet."""

    slippage_ticks: int = 0
    latency: Latency = field(default_factory=Latency)
    seed: int = 0
    at: Passing = unhindered
    #: Whether risk arrays are published with each price of the underlying.
    publishes: bool = True
    #: Futures may stand behind the two options.
    universe: Universe = UNIVERSE

    def __post_init__(self) -> None:
        self.clock = ManualClock(MARKET_TIME)
        #: Set to False, the market keeps the hours of the calendar.
        self.is_continuous = True
        self.hours = TradingHours(CALENDAR, self.clock, lambda: self.is_continuous)
        self.board = MemoryQuoteBoard()
        self.liquidity = MemoryLiquidity()
        self.risk = MemoryRiskBoard()
        self.meter = RecordingMeter()
        self.universes = universes = OneUniverse(self.universe)
        self.sheets = RiskSheets(
            universes=universes,
            quotes=self.board,
            read_arrays=self.risk.read_rows,
            model=SpanMargin.from_tables(table("margin"), table("volatility")).unit_risks,
            meter=self.meter,
            clock=self.clock,
            market_clock=self.clock,
            monotonic=lambda: self.clock().timestamp(),
            max_age_seconds=MAX_AGE_SECONDS,
            keep_seconds=0.0,
        )
        self.tables = Tables(self.clock)
        self.units = MemoryUnits(self.tables, at=self.at)
        self.market = PaperMarket(
            universes=universes,
            quotes=self.board,
            liquidity=self.liquidity,
            find_marketable=self.marketable,
            rules=lambda: PaperRules(
                charges=Tariff.from_tables(table("charges"), table("contracts")),
                protection=Protection.from_table(table("price_bands")),
                slippage=Slippage(self.slippage_ticks, self.seed),
                latency=self.latency,
                max_quote_age_seconds=MAX_AGE_SECONDS,
            ),
            clock=self.clock,
            market_clock=self.clock,
            hours=self.hours,
        )
        self.watch = MarketWatch(
            universes=universes,
            quotes=self.board,
            clock=self.clock,
            monotonic=lambda: self.clock().timestamp(),
            max_quote_age_seconds=MAX_AGE_SECONDS,
            full_seconds=FULL_SECONDS,
        )
        self.noted = MemoryResting()
        self.venue = PaperVenue(self.market, sleep=self.clock.advance)
        self.desk = venue_desk(
            self.units, self.venue, SilentAftermath(), self.clock, risks=self.sheets.of
        )
        self.ladders = MemoryLadders(self.tables)
        self.searches = self.ladders.searches
        #: Whether another process matches.
        self.is_taken = False
        #: Requests of runs that had not time enough.
        self.asked = 0
        self.matching = Matching(
            reached=ReachedOrders(
                watch=self.watch,
                orders=self.ladders,
                resting=self.noted,
                liquidity=self.liquidity,
                monotonic=lambda: self.clock().timestamp(),
            ),
            desk=self.desk,
            venue=self.venue,
            alone=lambda: nullcontext(not self.is_taken),
            ask_again=self.ask_again,
            market_clock=self.clock,
            hours=self.hours,
            monotonic=lambda: self.clock().timestamp(),
            transient=(),
        )
        self.tell_spot()

    def trigger_at_once(self, *, allowed: bool) -> None:
        """Let stops trade whose trigger has passed, or have them denied."""
        self.tables.rules = TradingRules(everyone=Limits(trigger_at_once=int(allowed)))

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
        self.board.write(self.universe, np.array([self.universe.rows[symbol]]), quotes)

    def restate(self) -> None:
        """Say everything again, as of now."""
        self.clock.advance(0.001)
        quotes = self.board.read(self.universe)
        rows = np.flatnonzero(quotes["time"])
        quotes["time"] = epoch_ms(self.clock())
        self.board.write(self.universe, rows, quotes[rows])
        self.tell_spot()

    def tell_spot(self, paise: int = _SPOT_PAISE) -> None:
        spots = np.zeros(1, QUOTE)
        spots["time"], spots["last"] = epoch_ms(self.clock()), paise
        self.board.write_spots(self.universe, spots)
        if self.publishes and paise:
            self.publish(paise / 100)

    def publish(self, spot: float = _SPOT_PAISE / 100, *, age_seconds: float = 0) -> None:
        """Publish the risk array of each contract."""
        at = self.clock() - timedelta(seconds=age_seconds)
        self.risk.write(self.universe, 0, _columns(spot), epoch_ms(at))

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
        self.tables.store(order)
        return order

    def decide(self, *orders: Order) -> list[Terms]:
        """Decide orders as one batch; one that is not stored yet takes the place of its id."""
        for order in orders:
            self.tables.rows[order.id].order = order
        terms = self.market.terms(orders)
        with self.units.begin() as unit:
            found, book = unit.orders([order.id for order in orders], set(OrderStatus))
            by_id = {order.id: order for order in found}
            self.desk.read_risks(book)
            for order, offered in zip(orders, terms, strict=True):
                book.decide(by_id[order.id], offered)
            unit.record(book, "execution")
            unit.commit()
        return terms

    def cancel(self, order: Order) -> None:
        with self.units.begin() as unit:
            (found,), book = unit.orders([order.id], RESTING)
            self.desk.read_risks(book)
            book.take_off(found, OrderStatus.CANCELED, CancelReason.REQUESTED)
            unit.record(book, "api")
            unit.commit()

    @property
    def orders(self) -> dict[int, Order]:
        return {number: row.order for number, row in self.tables.rows.items()}

    @property
    def accounts(self) -> dict[int, Account]:
        return self.tables.accounts

    @property
    def exposures(self) -> dict[tuple[int, str], Exposure]:
        return self.tables.exposures

    @property
    def books(self) -> list[Book]:
        return self.tables.books

    @property
    def fills(self) -> list[tuple[int, int, int]]:
        """Order, units and paise of every fill."""
        return [(f.order.id, f.quantity, int(f.price * 100)) for b in self.books for f in b.fills]

    def marketable(
        self, universe: Universe, touches: NDArray[np.void], now: datetime
    ) -> NDArray[np.void]:
        found = [
            o
            for o in self.orders.values()
            if o.status in RESTING - {OrderStatus.TRIGGER_PENDING} and o.valid_until > now
        ]
        orders, wanted = order_columns(found, universe), touches[["row", "is_buy"]].tolist()
        price = dict(zip(wanted, touches["price"].tolist(), strict=True))
        at = np.array([price.get(key, 0) for key in orders[["row", "is_buy"]].tolist()], np.int64)
        return orders[crosses(orders, at)]

    def ask_again(self) -> bool:
        self.asked += 1
        return True
