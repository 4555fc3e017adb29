"""Positions and open orders of accounts that are in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.contracts.contract import underlying_of
from angel_x.domain.orders.order import OPEN, Product
from angel_x.domain.workflows.square_off import Holding, LegRow
from angel_x.domain.workflows.workflow import WorkflowKind, WorkflowStatus
from tests.fakes.tables import Row, Tables
from tests.fakes.workflows import MemoryWorkflows


@dataclass
class MemoryHoldings:
    """Reads the tables of orders and positions, and counts workflows."""

    tables: Tables
    workflows: MemoryWorkflows = field(default_factory=MemoryWorkflows)

    def open_orders(self, user_id: int, selection: OrderSelection) -> list[int]:
        return self._open(user_id, selection, exits=False)

    def open_exits(self, user_id: int, selection: OrderSelection) -> list[int]:
        return self._open(user_id, selection, exits=True)

    def positions(self, user_id: int, selection: OrderSelection) -> list[Holding]:
        held = [
            Holding(symbol, product, position.quantity)
            for (owner, symbol, product), position in self.tables.positions.items()
            if owner == user_id and position.quantity and _is_selected(symbol, product, selection)
        ]
        return sorted(held, key=lambda h: (h.quantity, h.symbol, h.product.value))

    def named(self, user_id: int, names: Sequence[str]) -> list[int]:
        orders = (row.order for row in self.tables.rows.values())
        mine = (order for order in orders if order.user_id == user_id)
        return sorted(order.id for order in mine if order.client_order_id in names)

    def legs(self, order_ids: Sequence[int]) -> list[LegRow]:
        groups: dict[tuple[str, str, str], list[Row]] = {}
        for order_id in sorted(set(order_ids) & set(self.tables.rows)):
            row = self.tables.rows[order_id]
            place = row.order.symbol, row.order.product.value, row.order.side.value
            groups.setdefault(place, []).append(row)
        return [_leg(rows) for rows in groups.values()]

    def accounts(self) -> list[int]:
        held = {user_id for (user_id, _, _), p in self.tables.positions.items() if p.quantity}
        orders = (row.order for row in self.tables.rows.values())
        return sorted(held | {order.user_id for order in orders if order.status in OPEN})

    def intraday_accounts(self, key: str) -> list[tuple[int, int]]:
        users = {
            user_id
            for (user_id, _, product), position in self.tables.positions.items()
            if product is Product.INTRADAY and position.quantity
        } | {
            row.order.user_id
            for row in self.tables.rows.values()
            if row.order.product is Product.INTRADAY and row.order.status in OPEN
        }
        return [(user_id, self._ended(user_id, key)) for user_id in sorted(users)]

    def _open(self, user_id: int, selection: OrderSelection, *, exits: bool) -> list[int]:
        return [
            order_id
            for order_id, row in sorted(self.tables.rows.items())
            if row.order.user_id == user_id
            and row.order.status in OPEN
            and row.order.is_exit is exits
            and not row.slices
            and _is_selected(row.order.symbol, row.order.product, selection)
        ]

    def _ended(self, user_id: int, key: str) -> int:
        return sum(
            w.user_id == user_id
            and w.kind is WorkflowKind.SQUARE_OFF
            and w.status is not WorkflowStatus.RUNNING
            and w.key.startswith(key)
            for w in self.workflows.stored.values()
        )


def _leg(rows: Sequence[Row]) -> LegRow:
    newest, orders = rows[-1], [row.order for row in rows]
    return LegRow(
        symbol=newest.order.symbol,
        product=newest.order.product,
        side=newest.order.side,
        orders=len(orders),
        filled_quantity=sum(order.filled_quantity for order in orders),
        traded_value=sum((order.traded_value for order in orders), Decimal(0)),
        status=newest.order.status,
        reason=newest.reason,
    )


def _is_selected(symbol: str, product: Product, selection: OrderSelection) -> bool:
    return (
        selection.symbol in (None, symbol)
        and selection.underlying in (None, underlying_of(symbol))
        and selection.product in (None, product)
    )
