"""Plans of statements, with the large tables that they scan from end to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from angel_x.adapters.postgres.prepared import numbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection, Engine

    from angel_x.adapters.postgres.prepared import Statement

_LARGE_TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples >= %(rows)s
"""


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """How PostgreSQL runs a statement, for any values of its parameters."""

    statement: str
    #: In the planner's unit: reading one page in sequence costs 1.
    cost: float
    indexes: tuple[str, ...]
    #: Large tables that are scanned from end to end.
    scanned: tuple[str, ...]


def explain_all(engine: Engine, statements: Iterable[Statement], *, large: int) -> list[QueryPlan]:
    """Return the plan of each statement; a table is large from ``large`` rows on.

    No statement runs, and the engine must plan for any values.
    """
    with engine.connect() as connection:
        found = connection.exec_driver_sql(_LARGE_TABLES, {"rows": large})
        tables = frozenset(found.scalars())
        return [_plan(connection, statement, tables) for statement in statements]


def _plan(connection: Connection, statement: Statement, large: frozenset[str]) -> QueryPlan:
    text, parameters = numbered(statement.text)
    values = f" ({', '.join('NULL' for _ in parameters)})" if parameters else ""
    connection.exec_driver_sql(f"PREPARE explained AS {text}")
    explained = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) EXECUTE explained{values}")
    [document] = explained.scalar_one()
    connection.exec_driver_sql("DEALLOCATE explained")
    nodes = list(_nodes(document["Plan"]))
    return QueryPlan(
        statement.label,
        document["Plan"]["Total Cost"],
        tuple(sorted({node["Index Name"] for node in nodes if "Index Name" in node})),
        tuple(sorted(large & {n.get("Relation Name") for n in nodes if _is_sequential(n)})),
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _is_sequential(node: dict[str, Any]) -> bool:
    return str(node["Node Type"]).endswith("Seq Scan")
