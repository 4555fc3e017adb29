"""Orders, positions and workflows in the database and in memory, stored and read in the same words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol

from sqlalchemy import Engine

from angel_x.adapters.postgres.basket_legs import BasketLegs
from angel_x.adapters.postgres.holdings import PostgresHoldings
from angel_x.adapters.postgres.workflows import PostgresWorkflows
from angel_x.domain.book.position import Position
from angel_x.domain.orders.order import Product, Side
from angel_x.services.workflows import square_off_progress, workflows
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.chains import MARKET_TIME, make_universe
from tests.builders.stored_orders import StoredOrder, store_orders, store_positions
from tests.fakes.basket_legs import MemoryBasketLegs
from tests.fakes.holdings import MemoryHoldings
from tests.fakes.tables import Tables
from tests.fakes.workflows import MemoryWorkflows

UNIVERSE = make_universe(("BANKNIFTY", "NIFTY"), (date(2026, 8, 25),), (24_000,))


class Reads(square_off_progress.Holdings, Protocol):
    """All reads of holdings."""

    def accounts(self) -> list[int]: ...

    def intraday_accounts(self, key: str) -> list[tuple[int, int]]: ...


class Store(Protocol):
    """A place for orders and positions of the accounts 1 to 9, and what reads them."""

    @property
    def reads(self) -> Reads: ...
    @property
    def workflows(self) -> workflows.Workflows: ...
    def orders(self, **orders: StoredOrder) -> dict[str, int]: ...
    def positions(self, *positions: tuple[int, str, str, int]) -> None: ...
    @property
    def legs(self) -> BasketLegs | MemoryBasketLegs: ...
    def stir(self, order_id: int) -> None:
        """Let an order be the one that was written last."""


@dataclass
class Database:
    engine: Engine

    def __post_init__(self) -> None:
        list_contracts(self.engine, UNIVERSE)
        open_accounts(self.engine, 9)
        self.reads = PostgresHoldings(self.engine, lambda: MARKET_TIME)
        self.workflows = PostgresWorkflows(self.engine)
        self.legs = BasketLegs(self.engine)

    def orders(self, **orders: StoredOrder) -> dict[str, int]:
        return store_orders(self.engine, orders)

    def positions(self, *positions: tuple[int, str, str, int]) -> None:
        store_positions(self.engine, positions)
        self._analyze()

    def stir(self, order_id: int) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE orders SET tag = '' WHERE id = %s", (order_id,))
        self._analyze()

    def _analyze(self) -> None:
        """Have few rows read in the sequence of the table, not of an index that sorts them."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE orders, positions, contracts")


@dataclass
class Memory:
    tables: Tables = field(default_factory=Tables)
    workflows: MemoryWorkflows = field(default_factory=MemoryWorkflows)

    def __post_init__(self) -> None:
        self.reads = MemoryHoldings(self.tables, self.workflows)
        self.legs = MemoryBasketLegs(self.tables)

    def orders(self, **orders: StoredOrder) -> dict[str, int]:
        return {name: self._store(name, order) for name, order in orders.items()}

    def positions(self, *positions: tuple[int, str, str, int]) -> None:
        for user_id, symbol, name, quantity in positions:
            place = user_id, symbol, Product(name)
            self.tables.positions[place] = Position(*place, quantity, Decimal(quantity))

    def stir(self, order_id: int) -> None:
        self.tables.rows[order_id] = self.tables.rows.pop(order_id)

    def _store(self, name: str, row: StoredOrder) -> int:
        order = self.tables.order(
            row.user_id,
            symbol=row.symbol,
            side=Side(row.side),
            status=row.status,
            filled_quantity=row.filled or 0,
            traded_value=Decimal(row.traded_value),
            product=Product(row.product),
            client_order_id=row.name or name,
            parent_id=row.parent_id,
            quantity=row.quantity,
        )
        stored = self.tables.rows[order.id]
        stored.reason, stored.slices = row.reason, row.slices
        stored.held, stored.basket_id = row.held, row.basket_id
        return order.id
