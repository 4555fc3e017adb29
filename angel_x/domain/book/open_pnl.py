"""Unrealised P&L of accounts in the book of a batch, at the marks of now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from angel_x.domain.book.account import Account, Exposure
from angel_x.domain.margin.unit_risk import STEPS, UnitRisk
from angel_x.domain.values.money import ZERO

#: Account and contract.
Key = tuple[int, str]


class Open(NamedTuple):
    """The P&L of a position in rupees, and the part of it that is of short units and of futures."""

    pnl: Decimal
    short: Decimal


_FLAT = Open(ZERO, ZERO)


@dataclass(slots=True)
class OpenPnl:
    """Costs of open positions and their P&L.  A contract without a mark is carried at cost."""

    #: Signed rupees over the products of a contract.
    costs: dict[Key, Decimal] = field(default_factory=dict)
    _counted: dict[Key, Open] = field(default_factory=dict)
    #: None until accounts are valued.
    _unit: Callable[[str], UnitRisk] | None = None

    def value(
        self,
        accounts: Mapping[int, Account],
        exposures: Iterable[Exposure],
        unit: Callable[[str], UnitRisk],
    ) -> None:
        """Set the open P&L of accounts; a second call sets it again, at other marks."""
        self._unit, self._counted = unit, {}
        for account in accounts.values():
            account.unrealised = account.short_pnl = ZERO
        for exposure in exposures:
            if exposure.user_id in accounts:
                self._count(accounts[exposure.user_id], exposure)

    def trade(self, account: Account, exposure: Exposure, cost_change: Decimal) -> None:
        """Count a fill that ``exposure`` contains already."""
        key = exposure.user_id, exposure.symbol
        self.costs[key] = self.costs.get(key, ZERO) + cost_change
        if self._unit is not None:
            self._count(account, exposure)

    def _count(self, account: Account, exposure: Exposure) -> None:
        key = exposure.user_id, exposure.symbol
        before, after = self._counted.get(key, _FLAT), self._open(exposure)
        account.unrealised += after.pnl - before.pnl
        account.short_pnl += after.short - before.short
        self._counted[key] = after

    def _open(self, exposure: Exposure) -> Open:
        assert self._unit is not None
        quantity = exposure.net_quantity
        unit = self._unit(exposure.symbol)
        worth = unit.worth if quantity else None
        if worth is None:
            return _FLAT
        cost = self.costs.get((exposure.user_id, exposure.symbol), ZERO)
        pnl = Decimal(quantity * worth) / STEPS - cost
        return Open(pnl, pnl if quantity < 0 or unit.is_future else ZERO)
