"""Accounts at past moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from angel_x.domain.portfolios.history import AccountMove
from angel_x.domain.portfolios.past import PastPortfolio, PastSnapshot, portfolio_at
from angel_x.errors import InvalidInput
from angel_x.services.ports import Clock


class PastBooks(Protocol):
    """The history of accounts."""

    def moves(self, user_id: int, until: datetime | None = None) -> Iterator[AccountMove]: ...
    def cash(self, user_id: int, until: datetime) -> Decimal: ...
    def snapshot(self, user_id: int, until: datetime) -> PastSnapshot | None: ...


@dataclass(frozen=True, slots=True)
class PastPortfolios:
    """Rebuilds accounts as of a moment; nothing is changed."""

    books: PastBooks
    clock: Clock

    def of(self, user_id: int, at: datetime) -> PastPortfolio:
        """Return positions, worth and margin of an account at a moment of the wall clock.

        Raises:
            InvalidInput: The moment is not past.
        """
        now = self.clock()
        if at > now:
            raise InvalidInput(
                f"at must not be after {now.isoformat()}, was {at.isoformat()}", field="at"
            )
        cash = self.books.cash(user_id, at)
        snapshot = self.books.snapshot(user_id, at)
        return portfolio_at(at, self.books.moves(user_id, at), cash, snapshot)
