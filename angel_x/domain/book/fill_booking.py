"""The booking of a fill: cash, ledger, P&L and position of its account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from angel_x.domain.book.account import Account, Exposure
from angel_x.domain.book.ledger import LedgerEntry, fill_entries, paid_cost
from angel_x.domain.book.moves import Fill
from angel_x.domain.book.open_pnl import OpenPnl
from angel_x.domain.book.position import Closing, Position
from angel_x.domain.exchange.charges import ChargeRates
from angel_x.domain.orders.order import Order, Product
from angel_x.domain.values.money import ZERO


@dataclass(frozen=True, slots=True)
class FillBooking:
    """Books fills, and collects the rows that they become."""

    accounts: Mapping[int, Account]
    positions: dict[tuple[int, str, Product], Position]
    open_pnl: OpenPnl
    fills: list[Fill] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    trades: list[tuple[int, str, Closing]] = field(default_factory=list)
    #: Positions that became flat.
    flattened: list[Position] = field(default_factory=list)

    def book(
        self,
        order: Order,
        exposure: Exposure,
        quantity: int,
        price: Decimal,
        rates: ChargeRates,
        execution_id: str,
    ) -> None:
        """Book units that ``exposure`` contains already, and add them to the order."""
        account = self.accounts[order.user_id]
        traded = order.traded_value + price * quantity
        charges = rates.on_fill(order.side, order.traded_value, traded)
        cost_change, realised = self._fold(order, quantity, price)
        self.open_pnl.trade(account, exposure, cost_change)
        entries, cash = fill_entries(
            order.user_id,
            order.id,
            cost_change=paid_cost(order.symbol, cost_change),
            realised=realised,
            charges=charges,
        )
        self.entries.extend(entries)
        account.cash += cash
        account.realised_pnl += realised
        account.day_pnl += realised - charges
        self.fills.append(Fill(order, quantity, price, execution_id, account.pnl_day))
        order.traded_value = traded
        order.filled_quantity += quantity

    def _fold(self, order: Order, quantity: int, price: Decimal) -> tuple[Decimal, Decimal]:
        """Fold a fill into the position; return the change of its cost and the realised P&L."""
        position = self._position(order)
        cost_before, realised = position.cost, ZERO
        closing = 0
        if position.quantity * order.side.sign < 0:
            closing = min(quantity, abs(position.quantity))
            closed = position.close(order.side, closing, price)
            realised = closed.realised_pnl
            self.trades.append((order.user_id, order.symbol, closed))
        cost_change = position.cost - cost_before
        if position.is_flat and closing:
            self.flattened.append(self.positions.pop((order.user_id, order.symbol, order.product)))
        if quantity > closing:
            cost_change += self._position(order).open(order.side, quantity - closing, price)
        return cost_change, realised

    def _position(self, order: Order) -> Position:
        key = order.user_id, order.symbol, order.product
        if key not in self.positions:
            self.positions[key] = Position(*key)
        return self.positions[key]
