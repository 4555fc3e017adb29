"""The rows that a system has written for its orders, column by column as its tables have them.

Columns are read from the catalog, so that a table may gain or lose some without a change here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from angel_x.adapters.postgres.arrays import array

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 - a class with a small name

Row = tuple[Any, ...]

#: Tables whose rows an order brings, and that are only ever added to.
OF_ORDER = ("order_events", "fills", "ledger_entries")
#: Tables whose rows an account brings, counted from a mark on.
OF_ACCOUNT = ("positions", "trades")
#: What the database numbers and dates by itself.
_DEFAULTED = frozenset({"id", "at"})
#: Tables beside the path of an order: valuation, supervision, and state of which an order adds no row.
_BESIDE = frozenset(
    [
        "alembic_version",
        "api_keys",
        "audit_entries",
        "canaries",
        "contracts",
        "exposures",
        "greeks_snapshot",
        "margins",
        "portfolio_snapshots",
        "portfolios",
        "risk_limits",
        "trading_controls",
        "users",
        "workflows",
    ]
)
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
WHERE a.attrelid = %(table)s::regclass AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attgenerated = '' ORDER BY a.attnum
"""
_INSERTED = """
SELECT coalesce(i.inhparent::regclass, s.relid::regclass)::text, sum(s.n_tup_ins)::bigint
FROM pg_stat_user_tables s LEFT JOIN pg_inherits i ON i.inhrelid = s.relid GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table that a row is inserted with."""

    names: tuple[str, ...]
    types: tuple[str, ...]

    def source(self, prefix: str) -> str:
        """Return the columns of rows as an ``unnest``, with parameters named by a prefix."""
        places = (f"%({prefix}{n})s::{kind}[]" for n, kind in enumerate(self.types))
        return f"unnest({', '.join(places)})"

    def parameters(self, prefix: str, rows: Sequence[Row]) -> dict[str, str]:
        """Return the parameters of :meth:`source` for these rows."""
        columns = zip(*rows, strict=True) if rows else [()] * len(self.names)
        return {f"{prefix}{n}": array(column) for n, column in enumerate(columns)}

    def __str__(self) -> str:
        return ", ".join(self.names)


@dataclass(frozen=True, slots=True)
class Opening:
    """The state that a load begins with: accounts, contracts, open positions, and where ids stand."""

    tables: Mapping[str, tuple[Columns, list[Row]]]
    marks: Mapping[str, int]
    inserted: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Written:
    """The rows of a load: its orders by id, and for each of them the rows that it brought."""

    opening: Opening
    orders: list[Row]
    columns: Mapping[str, Columns]
    rows: Mapping[str, Mapping[int, list[Row]]]
    #: How many rows each table gained.
    counts: Mapping[str, int]

    def of(self, table: str, order_ids: Sequence[int]) -> list[Row]:
        """Return the rows that orders brought to a table."""
        rows = self.rows[table]
        return [row for order_id in order_ids for row in rows.get(order_id, ())]


def columns_of(connection: Connection, table: str, without: frozenset[str]) -> Columns:
    """Return the columns of a table, but for some."""
    rows = select(connection, _COLUMNS, {"table": table})
    names, types = zip(*(row for row in rows if row[0] not in without), strict=True)
    return Columns(names, types)


def read_opening(connection: Connection) -> Opening:
    """Read the state before a load."""
    tables = {}
    for table, condition in (
        ("users", "true"),
        ("contracts", "listed"),
        ("positions", "status = 'OPEN'"),
    ):
        columns = columns_of(connection, table, frozenset())
        rows = select(connection, f"SELECT {columns} FROM {table} WHERE {condition}")
        tables[table] = columns, rows
    marks = {
        table: int(select(connection, f"SELECT coalesce(max(id), 0) FROM {table}")[0][0])
        for table in OF_ACCOUNT
    }
    return Opening(tables, marks, _inserted(connection))


def read_written(connection: Connection, opening: Opening, prefix: str) -> Written:
    """Read what the orders whose client order id has a prefix have come to.

    Raises:
        RuntimeError: An order brings rows to a table that is not known here.
    """
    columns = {"orders": columns_of(connection, "orders", frozenset())} | {
        table: columns_of(connection, table, _DEFAULTED) for table in OF_ORDER
    }
    chosen = "client_order_id LIKE %(prefix)s"
    parameters = {"prefix": f"{prefix}-%"}
    orders = select(
        connection, f"SELECT {columns['orders']} FROM orders WHERE {chosen} ORDER BY id", parameters
    )
    rows = {
        table: _by_order(
            columns[table],
            select(
                connection,
                f"SELECT {columns[table]} FROM {table} "
                f"WHERE order_id IN (SELECT id FROM orders WHERE {chosen}) ORDER BY order_id, at",
                parameters,
            ),
        )
        for table in OF_ORDER
    }
    _refuse_unknown(opening.inserted, _inserted(connection), len(orders))
    ids = [row[columns["orders"].names.index("id")] for row in orders]
    counts = {"orders": len(orders)} | count_rows(connection, opening, ids)
    return Written(opening, orders, columns, rows, counts)


def count_rows(
    connection: Connection, opening: Opening, order_ids: Sequence[int]
) -> dict[str, int]:
    """Count the rows of orders, and those of accounts since the opening."""
    ids = {"ids": array(order_ids)}
    of_order = {
        table: f"SELECT count(*) FROM {table} WHERE order_id = ANY(%(ids)s::bigint[])"
        for table in OF_ORDER
    }
    of_account = {
        table: f"SELECT count(*) FROM {table} WHERE id > {opening.marks[table]}"
        for table in OF_ACCOUNT
    }
    statements = of_order | of_account
    return {
        table: int(select(connection, statement, ids)[0][0])
        for table, statement in statements.items()
    }


def select(
    connection: Connection, statement: str, parameters: Mapping[str, object] | None = None
) -> list[Row]:
    """Return the rows of a statement, binary columns as bytes."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [
            tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
            for row in cursor.fetchall()
        ]


def _by_order(columns: Columns, rows: Sequence[Row]) -> dict[int, list[Row]]:
    place = columns.names.index("order_id")
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row[place], []).append(row)
    return found


def _inserted(connection: Connection) -> dict[str, int]:
    """Return how many rows were ever inserted into each table, partitions under their parent."""
    return {str(table): int(rows) for table, rows in select(connection, _INSERTED)}


def _refuse_unknown(before: Mapping[str, int], after: Mapping[str, int], orders: int) -> None:
    known = {"orders", *OF_ORDER, *OF_ACCOUNT} | _BESIDE
    for table, rows in after.items():
        if table not in known and (rows - before.get(table, 0)) * 20 > orders:
            raise RuntimeError(
                f"orders bring rows to a table that the bare loop does not write: {table}"
            )
