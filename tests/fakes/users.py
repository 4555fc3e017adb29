"""Accounts in memory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal

from angel_x.domain.records.statement import AccountSummary
from angel_x.domain.values.money import ZERO
from tests.builders.markets import NOW


@dataclass
class MemoryUsers:
    """Accounts by name, in the order in which they were opened."""

    accounts: dict[str, AccountSummary] = field(default_factory=dict)

    def add(self, name: str, cash: Decimal) -> AccountSummary | None:
        """Keep an account; None where the name is taken."""
        if name in self.accounts:
            return None
        self.accounts[name] = AccountSummary(
            id=len(self.accounts) + 1,
            name=name,
            cash=cash,
            margin_used=ZERO,
            realised_pnl=ZERO,
            created_at=NOW,
        )
        return self.accounts[name]

    def named(self, name: str) -> AccountSummary | None:
        return self.accounts.get(name)

    def all(self) -> list[AccountSummary]:
        return list(self.accounts.values())

    def names(self, ids: Collection[int]) -> dict[int, str]:
        return {a.id: a.name for a in self.accounts.values() if a.id in ids}
