"""Double-entry bookkeeping: every event's entries sum to zero.

``cash`` is the cash of the account, ``position`` the cost of its open options, ``pnl`` the negated
realised P&L, ``charges`` the paid fees and ``deposit`` the negated deposits.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from angel_x.domain.contracts.contract import is_future
from angel_x.domain.values.money import ZERO


class LedgerAccount(StrEnum):
    CASH = "cash"
    POSITION = "position"
    PNL = "pnl"
    CHARGES = "charges"
    DEPOSIT = "deposit"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One line; ``amount`` is signed rupees."""

    user_id: int
    order_id: int | None
    account: LedgerAccount
    amount: Decimal


def paid_cost(symbol: str, cost: Decimal) -> Decimal:
    """Return the rupees that a cost of a position takes from cash: none for a future, which has no premium."""
    return ZERO if is_future(symbol) else cost


def fill_entries(
    user_id: int, order_id: int | None, *, cost_change: Decimal, realised: Decimal, charges: Decimal
) -> tuple[list[LedgerEntry], Decimal]:
    """Return the entries of one fill, or of a settlement, and the change of cash, in rupees.

    ``cost_change`` is the increase of the paid cost of the position, ``realised`` the P&L of the closed
    part.  Entries of zero are left out.
    """
    cash = realised - cost_change - charges
    amounts = {
        LedgerAccount.CASH: cash,
        LedgerAccount.POSITION: cost_change,
        LedgerAccount.PNL: -realised,
        LedgerAccount.CHARGES: charges,
    }
    entries = [LedgerEntry(user_id, order_id, a, amount) for a, amount in amounts.items() if amount]
    return entries, cash
