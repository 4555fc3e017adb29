"""The same few tables in memory and in PostgreSQL, filled and read in the same words."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import Engine, text

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.postgres.book_unit import BookUnits
from angel_x.adapters.postgres.ladders import Ladders
from angel_x.adapters.postgres.order_search import OrderSearch
from angel_x.adapters.postgres.replays import PostgresReplays
from angel_x.domain.book.account import Account
from angel_x.domain.orders.order import (
    Order,
    OrderStatus,
    OrderType,
    Priority,
    Product,
    Side,
    Validity,
)
from angel_x.services.trading.reached_orders import RestingOrders
from angel_x.services.trading.relay import DueOrders
from angel_x.services.trading.replay import ParkedOrders
from angel_x.services.units import Units
from tests.builders.accounts import list_contracts
from tests.builders.chains import make_universe
from tests.builders.risk import flat
from tests.fakes.due_orders import MemoryDueOrders
from tests.fakes.ladders import MemoryLadders
from tests.fakes.replays import MemoryReplays
from tests.fakes.tables import Row, Tables
from tests.fakes.units import MemoryUnits

LEASE_SECONDS = 30.0
RING_AFTER_SECONDS = 2.0
#: Of a unit short.
MARGIN = flat(Decimal(100))
UNIVERSE = make_universe(strikes=(23_900, 24_000, 24_100))
#: What a column of orders is called in an order, and how its text is read.
_READERS = {
    "side": Side,
    "order_type": OrderType,
    "validity": Validity,
    "priority": Priority,
    "status": OrderStatus,
    "product": Product,
}
_OF_ROW = [f.name for f in fields(Row) if f.name != "order"]
#: Read from other rows or the clock.
_OF_OTHERS = ("age_seconds", "parent_quantity", "others_rest")
_OF_ORDER = [f.name for f in fields(Order) if f.name not in _OF_OTHERS]
#: What the table gives to an order itself.
_GIVEN = {"id": "DEFAULT", "time_priority": "coalesce(:rank, nextval('order_time_priority'))"}
_NAMES = [*_OF_ORDER, *_OF_ROW]
_INSERT = text(f"""
    INSERT INTO orders ({", ".join(_NAMES)}, request_hash)
    VALUES ({", ".join(_GIVEN.get(name, f":{name}") for name in _NAMES)}, 'x') RETURNING id
""")


def expires_at(symbol: str) -> datetime:
    """Return when a contract of the universe ceases to trade."""
    return UNIVERSE.contracts[UNIVERSE.rows[symbol]].expires_at


class World(Protocol):
    """What a test of either sees; ``units`` and ``due`` are what is tested."""

    units: Units
    due: DueOrders
    replays: ParkedOrders
    hasty_replays: ParkedOrders
    ladders: RestingOrders
    #: Transactions that fail soon where the others wait for a lock.
    hasty: Units

    def account(self) -> int:
        """Open an account; return its id."""

    def order(
        self,
        user_id: int,
        limit: str | None = None,
        *,
        age: float = 0,
        lease: float | None = None,
        due: float | None = None,
        **columns: Any,
    ) -> int:
        """Store an order; seconds since its acceptance, until its lease ends, since it is due."""

    def basket(self, user_id: int) -> int:
        """Start a basket; return its id."""

    def row(self, order_id: int) -> Row:
        """Return an order as it is stored."""

    def balance(self, user_id: int) -> Account:
        """Return an account as it is stored."""

    def events(self, order_id: int) -> list[tuple[str, str, int, str | None]]:
        """Return status, actor, attempt and reason of each event of an order."""


class MemoryWorld:
    def __init__(self) -> None:
        self.tables = Tables()
        self.units: Units = MemoryUnits(self.tables, lease_seconds=LEASE_SECONDS)
        self.hasty: Units = self.units
        self.due: DueOrders = MemoryDueOrders(self.tables)
        self.replays: ParkedOrders = MemoryReplays(
            self.tables, ring_after_seconds=RING_AFTER_SECONDS, expires_at=expires_at
        )
        self.hasty_replays: ParkedOrders = self.replays
        self.ladders: RestingOrders = MemoryLadders(self.tables)

    def account(self) -> int:
        return self.tables.account()

    def order(
        self,
        user_id: int,
        limit: str | None = None,
        *,
        age: float = 0,
        lease: float | None = None,
        due: float | None = None,
        **columns: Any,
    ) -> int:
        kept = {name: columns.pop(name) for name in [*columns] if name in _OF_ROW}
        order, now = self.tables.order(user_id, limit, **columns), self.tables.clock()
        row = self.tables.rows[order.id]
        for name, value in kept.items():
            setattr(row, name, value)
        row.accepted_at = now - timedelta(seconds=age)
        row.lease_until = None if lease is None else now + timedelta(seconds=lease)
        row.ring_at = row.ring_at if due is None else now - timedelta(seconds=due)
        if order.status.is_closed:
            row.closed_at = now
        return order.id

    def basket(self, user_id: int) -> int:
        return next(self.tables.numbers)

    def row(self, order_id: int) -> Row:
        row = self.tables.rows[order_id]
        return replace(row, order=replace(row.order))

    def balance(self, user_id: int) -> Account:
        return replace(self.tables.accounts[user_id])

    def events(self, order_id: int) -> list[tuple[str, str, int, str | None]]:
        return [
            (str(e.status), e.actor, e.attempt, e.reason)
            for e in self.tables.events
            if e.order_id == order_id
        ]


class SqlWorld(MemoryWorld):
    """Drafts what it stores in tables of its own, of which nothing else is read."""

    def __init__(self, engine: Engine, hasty: Engine) -> None:
        super().__init__()
        self._engine = engine
        self.tables.clock = wall_clock
        self.units = BookUnits(engine, lease_seconds=LEASE_SECONDS)
        self.hasty = BookUnits(hasty, lease_seconds=LEASE_SECONDS)
        self.due = OrderSearch(engine)
        self.replays = PostgresReplays(engine, ring_after_seconds=RING_AFTER_SECONDS)
        self.hasty_replays = PostgresReplays(hasty, ring_after_seconds=RING_AFTER_SECONDS)
        self.ladders = Ladders(engine)
        list_contracts(engine, UNIVERSE)

    def account(self) -> int:
        drafted = super().account()
        self._execute(
            "INSERT INTO users (id, name, cash) OVERRIDING SYSTEM VALUE VALUES (:id, :name, :cash)",
            id=drafted,
            name=f"user{drafted}",
            cash=self.tables.accounts[drafted].cash,
        )
        return drafted

    def order(
        self,
        user_id: int,
        limit: str | None = None,
        *,
        age: float = 0,
        lease: float | None = None,
        due: float | None = None,
        **columns: Any,
    ) -> int:
        drafted = super().order(user_id, limit, age=age, lease=lease, due=due, **columns)
        row = self.tables.rows[drafted]
        order = {name: getattr(row.order, name) for name in _OF_ORDER}
        kept = {name: getattr(row, name) for name in _OF_ROW}
        rank = {"rank": columns.get("time_priority")}
        with self._engine.begin() as connection:
            return int(connection.execute(_INSERT, order | kept | rank).scalar_one())

    def basket(self, user_id: int) -> int:
        with self._engine.begin() as connection:
            return int(
                connection.execute(
                    text("""
                    INSERT INTO workflows (user_id, kind, key, request_hash, spec, actor)
                    VALUES (:user_id, 'basket', gen_random_uuid()::text, 'x', '{}', 'test')
                    RETURNING id
                    """),
                    {"user_id": user_id},
                ).scalar_one()
            )

    def row(self, order_id: int) -> Row:
        with self._engine.connect() as connection:
            found = connection.exec_driver_sql(f"SELECT * FROM orders WHERE id = {order_id}")
            columns = dict(found.mappings().one())
        for name, read in _READERS.items():
            columns[name] = read(columns[name])
        order = Order(**{name: columns[name] for name in _OF_ORDER})
        return Row(order, **{name: columns[name] for name in _OF_ROW})

    def balance(self, user_id: int) -> Account:
        with self._engine.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT id, cash, collateral, margin_used, realised_pnl, open_orders, pnl_day, "
                f"day_pnl FROM users WHERE id = {user_id}"
            )
            return Account(*found.one())

    def events(self, order_id: int) -> list[tuple[str, str, int, str | None]]:
        with self._engine.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT status, actor, attempt, reason FROM order_events "
                f"WHERE order_id = {order_id} ORDER BY id"
            )
            return [(status, actor, attempt, reason) for status, actor, attempt, reason in found]

    def _execute(self, statement: str, **parameters: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(text(statement), parameters)
