"""Cash settlement of expired positions, once the closing value of the index is known.

The price of an expiry is fixed once, and every account is settled at it in a transaction of its own:
a process that dies leaves the other accounts to the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

import structlog

from angel_x.domain.book.book import Book
from angel_x.domain.book.margin_pool import Risks
from angel_x.domain.book.settlement import (
    DueExpiry,
    Expiry,
    IndexLevel,
    PriceSource,
    SettlementPrice,
    settle_account,
)
from angel_x.domain.calendar.session import IST
from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.orders.step import Step
from angel_x.domain.values.money import ZERO, to_paisa
from angel_x.errors import InvalidInput, UnknownContract
from angel_x.services.trading.aftermath import Aftermath
from angel_x.services.trading_hours import TradingHours
from angel_x.services.units import Units

log = structlog.get_logger()

ACTOR = "settlement"
#: A level this long before the close is the closing value of a feed that ended with the session.
_LAST = timedelta(minutes=1)
#: The column of a price ends below it.
_MOST = Decimal(10) ** 10


class SettlementStore(Protocol):
    """Prices, levels, and accounts with expired positions."""

    def due(self, now: datetime) -> list[DueExpiry]:
        """Return the expiries at or before a time with open positions, oldest first."""

    def holders(self, expiry: Expiry) -> list[int]:
        """Return the accounts with open positions in an expiry."""

    def known(self, expiries: Sequence[Expiry]) -> set[Expiry]:
        """Return those expiries of which a contract was ever listed."""

    def note_levels(self, levels: Mapping[str, Decimal], at: datetime) -> None:
        """Store the levels of indices at a market time."""

    def levels(self) -> dict[str, IndexLevel]:
        """Return the last stored level of each index."""

    def add_price(self, price: SettlementPrice) -> None:
        """Store a price with its audit entry."""

    def fix(self, expiry: Expiry, sources: frozenset[PriceSource]) -> SettlementPrice | None:
        """Return the final price, fixed now from the best of ``sources`` unless it is fixed already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementReport:
    """The result of a settlement of everything that is due."""

    #: Settled positions.
    positions: int
    accounts: int
    #: Expiries whose price is not known yet, such as ``NIFTY 2026-12-01``.
    waiting: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Settlement:
    """Settles expired positions.  A second call finds nothing left to do."""

    store: SettlementStore
    units: Units
    #: Returns the fresh levels of the indices, in rupees.
    read_levels: Callable[[], Mapping[str, Decimal]]
    #: Ends the orders whose validity is over.
    expire_orders: Callable[[], int]
    risks: Risks
    tariff: Callable[[], Tariff]
    hours: TradingHours
    #: Returns whether options on an underlying are settled in cash.
    is_in_cash: Callable[[str], bool]
    aftermath: Aftermath
    #: Market time after an expiry in which the exchange's price is waited for.
    wait: timedelta
    #: Errors of servers, not of accounts.
    transient: tuple[type[Exception], ...]

    def run(self) -> SettlementReport:
        """Settle all expired positions at market time whose closing value is known."""
        now = self.hours.market_clock()
        levels = self.read_levels()
        before = self.store.levels()
        due = self.store.due(now)
        for each in due:
            # The delivery of a stock has no closing value of a feed: an operator closes it out.
            if self.is_in_cash(each.expiry.underlying):
                self._note_close(each, levels, before, now)
        if levels:
            self.store.note_levels(levels, now)
        if due:
            self.expire_orders()
        settled = {each: self._settle(each, now) for each in due}
        return SettlementReport(
            positions=sum(count for found in settled.values() for count in found or ()),
            accounts=sum(len(found or ()) for found in settled.values()),
            waiting=tuple(str(each.expiry) for each, found in settled.items() if found is None),
        )

    def waiting(self) -> int:
        """Return the number of expiries with open positions that are past their close."""
        return len(self.store.due(self.hours.market_clock()))

    def add_prices(self, prices: Sequence[SettlementPrice]) -> None:
        """Store prices of the exchange or of an operator; a second call changes nothing.

        Prices of expiries without a listed contract are left out.

        Raises:
            InvalidInput: A price is not rupees above zero, or an expiry is not over at market time;
                none is stored.
            UnknownContract: No contract was listed of any of the expiries.
            SettlementRefused: An expiry is settled at another price.
        """
        now = self.hours.market_clock()
        known = self.store.known([price.expiry for price in prices])
        ours = [price for price in prices if price.expiry in known]
        if not ours:
            raise UnknownContract("expiry", str(prices[0].expiry))
        for price in ours:
            _check_price(price.price)
            self._check_over(price.expiry, now)
        for price in ours:
            self.store.add_price(price)

    def _check_over(self, expiry: Expiry, now: datetime) -> None:
        closes_at = self.hours.calendar.expires_at(expiry.day)
        if now < closes_at:
            raise InvalidInput(
                f"{expiry} is open until {closes_at.astimezone(IST):%d-%b-%Y %H:%M} IST",
                field="expiry",
                value=expiry.day.isoformat(),
            )

    def _note_close(
        self,
        due: DueExpiry,
        levels: Mapping[str, Decimal],
        before: Mapping[str, IndexLevel],
        now: datetime,
    ) -> None:
        """Store the closing value of the feed, if it has one.

        It is a level between the close and the next opening, when no index moves; in a simulator,
        which never closes, the first one after the expiry.  Without one it is a level of the last
        minute before the close.
        """
        name, closes_at = due.expiry.underlying, due.expires_at
        level = levels.get(name)
        if level is None or not self._is_before_opening(now, closes_at):
            last = before.get(name)
            is_close = last is not None and closes_at - _LAST <= last.at
            level = (
                last.level
                if last and is_close and self._is_before_opening(last.at, closes_at)
                else None
            )
        if level is not None:
            feed = PriceSource.FEED
            self.store.add_price(
                SettlementPrice(expiry=due.expiry, price=level, source=feed, actor=feed)
            )

    def _is_before_opening(self, at: datetime, closes_at: datetime) -> bool:
        return self.hours.is_continuous() or at < self.hours.calendar.next_open(closes_at)

    def _settle(self, due: DueExpiry, now: datetime) -> list[int] | None:
        """Settle an expiry; return the positions of each account, None if no price is known."""
        is_early = now < due.expires_at + self.wait
        sources = {PriceSource.EXCHANGE} if is_early else set(PriceSource)
        price = self.store.fix(due.expiry, frozenset(sources))
        if price is None:
            log.warning("settlement.waiting", expiry=str(due.expiry), early=is_early)
            return None
        self.units.at(Step.PRICE_FIXED)
        counts = [self._account(user_id, price) for user_id in self.store.holders(due.expiry)]
        log.info(
            "expiry.settled", expiry=str(due.expiry), price=str(price.price), accounts=len(counts)
        )
        return counts

    def _account(self, user_id: int, price: SettlementPrice) -> int:
        """Settle one account; return the number of its positions, zero if it cannot be settled."""
        try:
            return self._settle_account(user_id, price)
        except self.transient:
            raise
        except Exception:
            log.exception("account.unsettled", user_id=user_id, expiry=str(price.expiry))
            return 0

    def _settle_account(self, user_id: int, price: SettlementPrice) -> int:
        day = price.expiry.day
        tax = self.tariff().on(price.expiry.underlying, day).stt_exercise
        with self.units.begin() as unit:
            book = unit.expired(user_id, price.expiry)
            if not book.positions:
                return 0
            self.units.at(Step.POSITIONS_FOUND)
            book.begin_day(self.hours.market_clock().astimezone(IST).date())
            self._read_risks(book, price.expiry)
            settle_account(book, user_id, price, tax)
            unit.record(book, ACTOR)
            self.units.at(Step.POSITIONS_SETTLED)
            unit.commit()
        self.units.at(Step.POSITIONS_COMMITTED)
        self.aftermath.value([user_id])
        return len(book.settled)

    def _read_risks(self, book: Book, expiry: Expiry) -> None:
        """Read the risks of the contracts that the account still holds."""
        lasting = {symbol for symbol in book.margins.symbols if not expiry.holds(symbol)}
        book.margins.sheet = self.risks(lasting)


def _check_price(price: Decimal) -> None:
    if not (price.is_finite() and ZERO < price < _MOST and price == to_paisa(price)):
        raise InvalidInput(
            f"price must be rupees above zero, to the paisa, was {price}",
            field="price",
            value=str(price),
        )
