"""Statements that store, claim and book orders with the rows that a system wrote for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from angel_x.adapters.postgres.arrays import array
from benchmarks.bare.fold import Fold, Place, Position, Trade
from benchmarks.bare.prepared import BEGIN, COMMIT, Statements
from benchmarks.bare.written import Columns, Row, Written

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 - a class with a small name

#: Columns that the decision sets; acceptance leaves them to their defaults.
_DECIDED = (
    "status",
    "reason",
    "filled_quantity",
    "traded_value",
    "average_price",
    "reserved",
    "limit_price",
    "attempt",
    "lease_until",
)
#: Columns that the database fills in.
_DATED = frozenset({"accepted_at", "updated_at", "closed_at", "time_priority"})

_LOCK = """
SELECT 1 FROM users WHERE id IN (SELECT user_id FROM orders WHERE id = ANY(%(ids)s::bigint[]))
ORDER BY id FOR NO KEY UPDATE
"""
_CLAIM = """
SELECT o.id, o.user_id, o.symbol, o.product, u.cash, u.realised_pnl, p.id, p.quantity, p.cost,
    p.realised_pnl, p.entry_time
FROM orders o JOIN users u ON u.id = o.user_id
LEFT JOIN positions p ON p.user_id = o.user_id AND p.symbol = o.symbol AND p.product = o.product
    AND p.status = 'OPEN'
WHERE o.id = ANY(%(ids)s::bigint[]) AND o.status = 'received' ORDER BY o.id
"""
_USERS = """
users_moved AS (
    UPDATE users u SET cash = u.cash + t.cash, realised_pnl = u.realised_pnl + t.pnl
    FROM unnest(%(users)s::bigint[], %(cash)s::numeric[], %(pnl)s::numeric[]) AS t (id, cash, pnl)
    WHERE u.id = t.id
)
"""
_EXPOSURES = """
exposed AS (
    INSERT INTO exposures (user_id, symbol, net_quantity)
    SELECT * FROM unnest(%(exposed_users)s::bigint[], %(exposed_symbols)s::text[], %(nets)s::integer[])
    ON CONFLICT (user_id, symbol) DO UPDATE SET net_quantity = excluded.net_quantity
)
"""
_HELD = """
held AS (
    UPDATE positions p SET quantity = t.quantity, cost = t.cost, realised_pnl = t.pnl,
        status = CASE WHEN t.quantity = 0 THEN 'CLOSED' ELSE 'OPEN' END,
        exit_time = CASE WHEN t.quantity = 0 THEN clock_timestamp() END
    FROM unnest(%(held)s::bigint[], %(held_quantities)s::integer[], %(held_costs)s::numeric[],
        %(held_pnl)s::numeric[]) AS t (id, quantity, cost, pnl)
    WHERE p.id = t.id
)
"""
_OPENED = """
opened AS (
    INSERT INTO positions (user_id, portfolio_id, symbol, product, status, quantity, cost,
        realised_pnl, exit_time)
    SELECT t.user_id, t.user_id, t.symbol, t.product,
        CASE WHEN t.quantity = 0 THEN 'CLOSED' ELSE 'OPEN' END, t.quantity, t.cost, t.pnl,
        CASE WHEN t.quantity = 0 THEN clock_timestamp() END
    FROM unnest(%(new_users)s::bigint[], %(new_symbols)s::text[], %(new_products)s::text[],
        %(new_quantities)s::integer[], %(new_costs)s::numeric[], %(new_pnl)s::numeric[])
        AS t (user_id, symbol, product, quantity, cost, pnl)
)
"""
_TRADES = """
traded AS (
    INSERT INTO trades (user_id, symbol, status, side, quantity, entry_price, exit_price,
        realised_pnl, closed_at)
    SELECT t.user_id, t.symbol, 'CLOSED', t.side, t.quantity, t.entry_price, t.exit_price, t.pnl,
        clock_timestamp()
    FROM unnest(%(trade_users)s::bigint[], %(trade_symbols)s::text[], %(trade_sides)s::text[],
        %(trade_quantities)s::integer[], %(entry_prices)s::numeric[], %(exit_prices)s::numeric[],
        %(trade_pnl)s::numeric[])
        AS t (user_id, symbol, side, quantity, entry_price, exit_price, pnl)
)
"""


class Books:
    """Stores, claims and books orders of a load over one connection.

    The caller commits, or lets :meth:`claim` begin and :meth:`book` commit in the same messages.
    """

    def __init__(self, connection: Connection, written: Written) -> None:
        self._statements = Statements(connection)
        self._written = written
        columns = written.columns["orders"]
        self._places = {name: n for n, name in enumerate(columns.names)}
        accepted = [n for n in columns.names if n not in _DATED and n not in _DECIDED]
        self._accepted = self._part(columns, accepted)
        decided = [name for name in _DECIDED if name in self._places]
        self._decided = self._part(columns, ["id", *decided, "closed_at"])
        self._orders = {row[self._places["id"]]: row for row in written.orders}
        self._store = (
            f"WITH stored AS (INSERT INTO orders ({self._accepted}) OVERRIDING SYSTEM VALUE "
            f"SELECT * FROM {self._accepted.source('o')} "
            "ON CONFLICT (user_id, client_order_id) DO NOTHING RETURNING id) "
            f"INSERT INTO order_events {_added(written.columns['order_events'], 'e')}"
        )
        moves = ", ".join(f"{name} = m.{name}" for name in decided)
        self._moved = (
            f"moved AS (UPDATE orders o SET {moves}, updated_at = clock_timestamp(), "
            "closed_at = CASE WHEN m.closed_at IS NOT NULL THEN clock_timestamp() END "
            f"FROM {self._decided.source('m')} AS m ({self._decided}) WHERE o.id = m.id)"
        )

    @property
    def order_ids(self) -> list[int]:
        """The orders in the order in which they were accepted."""
        return list(self._orders)

    def store(self, order_ids: Sequence[int]) -> None:
        """Insert orders as they were received, and their first event."""
        orders = [self._orders[order_id] for order_id in order_ids]
        events = self._events(order_ids, received=True)
        self._statements.execute(
            self._store,
            parameters=self._accepted.parameters("o", self._picked(self._accepted, orders))
            | self._written.columns["order_events"].parameters("e", events),
        )

    def claim(self, order_ids: Sequence[int], *, begin: bool = False) -> list[Row]:
        """Lock the accounts of orders; return those that are received, with position and account."""
        first = [BEGIN] if begin else []
        self._statements.execute(*first, _LOCK, _CLAIM, parameters={"ids": array(order_ids)})
        return self._statements.fetchall()

    def book(self, claimed: Sequence[Row], *, commit: bool = False) -> None:
        """Write the outcome of claimed orders."""
        fold = Fold()
        columns = self._written.columns["fills"].names
        sides, quantities, prices = (columns.index(n) for n in ("side", "quantity", "price"))
        for order_id, user_id, symbol, product, _, _, *position in claimed:
            place = Place(user_id, symbol, product)
            fold.hold(place, Position(*position[:4]) if position[0] is not None else None)
            for row in self._written.rows["fills"].get(order_id, ()):
                sign = 1 if row[sides] == "BUY" else -1
                fold.fill(place, sign * row[quantities], row[prices])
        self._write([row[0] for row in claimed], fold, [COMMIT] if commit else [])

    def _write(self, order_ids: Sequence[int], fold: Fold, last: Sequence[str]) -> None:
        added = {
            "order_events": self._events(order_ids, received=False),
            "fills": self._written.of("fills", order_ids),
            "ledger_entries": self._written.of("ledger_entries", order_ids),
        }
        orders = [self._orders[order_id] for order_id in order_ids]
        parts = [self._moved, _USERS]
        parameters = self._decided.parameters("m", self._picked(self._decided, orders)) | _users(
            fold
        )
        for table, rows in added.items():
            if rows:
                columns = self._written.columns[table]
                parts.append(f"{table}_added AS (INSERT INTO {table} {_added(columns, table)})")
                parameters |= columns.parameters(table, rows)
        for part, its_parameters in _holdings(fold):
            parts.append(part)
            parameters |= its_parameters
        statement = f"WITH {', '.join(parts)} SELECT 1"
        self._statements.execute(statement, *last, parameters=parameters)

    def _events(self, order_ids: Sequence[int], *, received: bool) -> list[Row]:
        status = self._written.columns["order_events"].names.index("status")
        events = self._written.of("order_events", order_ids)
        return [event for event in events if (event[status] == "received") is received]

    def _part(self, columns: Columns, names: Iterable[str]) -> Columns:
        picked = [(name, columns.types[self._places[name]]) for name in names]
        return Columns(*zip(*picked, strict=True))

    def _picked(self, columns: Columns, orders: Iterable[Row]) -> list[Row]:
        places = [self._places[name] for name in columns.names]
        return [tuple(order[n] for n in places) for order in orders]


def open_books(connection: Connection, written: Written) -> None:
    """Bring the state that the load began with into a database."""
    with connection.cursor() as cursor:
        for table, (columns, rows) in written.opening.tables.items():
            identity = "OVERRIDING SYSTEM VALUE" if "id" in columns.names else ""
            cursor.execute(
                f"INSERT INTO {table} ({columns}) {identity} SELECT * FROM {columns.source('c')}",
                columns.parameters("c", rows),
            )
        for table, mark in written.opening.marks.items():
            cursor.execute(f"ALTER TABLE {table} ALTER COLUMN id RESTART WITH {mark + 1}")
    connection.commit()


def _added(columns: Columns, prefix: str) -> str:
    return f"({columns}) SELECT * FROM {columns.source(prefix)}"


def _users(fold: Fold) -> dict[str, str]:
    users = sorted(fold.cash)
    return {
        "users": array(users),
        "cash": array(fold.cash[user] for user in users),
        "pnl": array(fold.pnl[user] for user in users),
    }


def _holdings(fold: Fold) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the parts of the statement that positions, exposures and trades need."""
    nets = sorted(fold.nets().items())
    if nets:
        yield (
            _EXPOSURES,
            {
                "exposed_users": array(user for (user, _), _ in nets),
                "exposed_symbols": array(symbol for (_, symbol), _ in nets),
                "nets": array(net for _, net in nets),
            },
        )
    positions = [*fold.closed, *fold.open.items()]
    held = [position for _, position in positions if position.id is not None]
    if held:
        yield (
            _HELD,
            {
                "held": array(position.id for position in held),
                "held_quantities": array(position.quantity for position in held),
                "held_costs": array(position.cost for position in held),
                "held_pnl": array(position.pnl for position in held),
            },
        )
    if new := [(place, position) for place, position in positions if position.id is None]:
        yield _OPENED, _opened(new)
    if fold.trades:
        yield _TRADES, _traded(fold.trades)


def _opened(new: Sequence[tuple[Place, Position]]) -> dict[str, str]:
    return {
        "new_users": array(place.user_id for place, _ in new),
        "new_symbols": array(place.symbol for place, _ in new),
        "new_products": array(place.product for place, _ in new),
        "new_quantities": array(position.quantity for _, position in new),
        "new_costs": array(position.cost for _, position in new),
        "new_pnl": array(position.pnl for _, position in new),
    }


def _traded(trades: Sequence[Trade]) -> dict[str, str]:
    return {
        "trade_users": array(trade.user_id for trade in trades),
        "trade_symbols": array(trade.symbol for trade in trades),
        "trade_sides": array(trade.side for trade in trades),
        "trade_quantities": array(trade.quantity for trade in trades),
        "entry_prices": array(trade.entry_price for trade in trades),
        "exit_prices": array(trade.exit_price for trade in trades),
        "trade_pnl": array(trade.pnl for trade in trades),
    }
