"""Realised P&L from the history of an account."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.portfolios.history import AccountMove
from angel_x.domain.portfolios.pnl import PnlGroup, PnlReport, report
from angel_x.errors import UnknownDay


@dataclass(frozen=True, slots=True, kw_only=True)
class Profit:
    """Reports P&L by average cost and by FIFO."""

    #: Returns the moves of an account, oldest first.
    moves: Callable[[int], Iterable[AccountMove]]
    tariff: Callable[[], Tariff]

    def of(
        self, user_id: int, by: PnlGroup, since: date = date.min, until: date = date.max
    ) -> PnlReport:
        """Return the P&L of an account from one day of the market to another, both included.

        Raises:
            UnknownDay: No charges are known for a day of a fill.
        """
        try:
            return report(self.moves(user_id), self.tariff(), by, since=since, until=until)
        except LookupError as error:
            raise UnknownDay(f"no charges are known: {error}") from error
