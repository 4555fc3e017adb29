"""Importing opening positions and cash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from angel_x.domain.book.book import Book
from angel_x.domain.book.margin_pool import Risks
from angel_x.domain.book.opening import Opening, OpeningBook, held_already, open_book
from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import is_future, parse_expiry, underlying_of
from angel_x.domain.contracts.delivery import DeliveryRule
from angel_x.errors import InvalidOpenings, UnknownAccount
from angel_x.services.ports import Clock, UniverseSource

#: Units of one position, as in an order.
_MOST_UNITS = 10_000_000


class OpeningStore(Protocol):
    """Stores opening positions with their audit entry."""

    def add(
        self,
        user_id: int,
        openings: Sequence[Opening],
        fold: Callable[[Book], None],
        *,
        day: date,
        actor: str,
    ) -> None:
        """Lock an account, change its book by ``fold``, and store both in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The result of an import."""

    positions: int
    cash: str
    margin_used: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """Imports books."""

    store: OpeningStore
    risks: Risks
    universes: UniverseSource
    market_clock: Clock
    delivery: Callable[[], DeliveryRule]

    def load(self, user_id: int, opening: OpeningBook, file: str, actor: str) -> Imported:
        """Add the positions and the cash of a file to an account, all or none.

        A second call is refused, because the account holds the contracts then; cash alone is added again.

        Raises:
            InvalidOpenings: A contract is not listed, has expired or is in its delivery period, units are no lots, the account holds
                or has orders in a contract, or its underlying has no price for the margin.
            UnknownAccount: There is no such account.
        """
        now = self.market_clock()
        for each in opening.positions:
            self._check(each, file, now)
        found: list[Imported] = []

        def fold(book: Book) -> None:
            if user_id not in book.accounts:
                raise UnknownAccount(f"no account has the id {user_id}")
            book.take_risks(
                self.risks({*book.margins.symbols, *(o.symbol for o in opening.positions)})
            )
            if (held := held_already(book, user_id, opening.positions)) is not None:
                rule = "the account must not hold it or have orders in it"
                raise InvalidOpenings(file, held.row, "symbol", rule, held.symbol)
            _check_margin(book, opening, file)
            open_book(book, user_id, opening)
            account = book.accounts[user_id]
            found.append(
                Imported(
                    positions=len(opening.positions),
                    cash=str(account.cash),
                    margin_used=str(account.margin_used),
                )
            )

        day = now.astimezone(IST).date()
        self.store.add(user_id, opening.positions, fold, day=day, actor=actor)
        return found[0]

    def _check(self, opening: Opening, file: str, now: datetime) -> None:
        universe = self.universes.current()
        row = universe.row(opening.symbol)
        if row is None:
            raise InvalidOpenings(
                file, opening.row, "symbol", "must be a listed contract", opening.symbol
            )
        if universe.expires_at[row] <= now.timestamp():
            raise InvalidOpenings(
                file, opening.row, "symbol", "must not have expired", opening.symbol
            )
        underlying, expiry = parse_expiry(opening.symbol)
        if self.delivery().is_in_period(underlying, expiry, now):
            rule = "must not be in its delivery period, in which options on stocks are closed"
            raise InvalidOpenings(file, opening.row, "symbol", rule, opening.symbol)
        lot = int(universe.lot_size[row])
        if opening.quantity % lot or abs(opening.quantity) > _MOST_UNITS:
            rule = f"must be lots of {lot} units, at most {_MOST_UNITS} units"
            raise InvalidOpenings(file, opening.row, "quantity", rule, str(opening.quantity))


def _check_margin(book: Book, opening: OpeningBook, file: str) -> None:
    """Refuse short positions and futures whose margin is unknown."""
    for each in opening.positions:
        is_owed = each.quantity < 0 or is_future(each.symbol)
        if is_owed and book.margins.unit(each.symbol).short_steps == 0:
            rule = f"{underlying_of(each.symbol)} must have a price for the margin"
            raise InvalidOpenings(file, each.row, "symbol", rule, each.symbol)
