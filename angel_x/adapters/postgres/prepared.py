"""Statements that a session plans once: on the order path planning costs more than running.

A plan is made for any values (``plan_cache_mode`` in :mod:`~angel_x.adapters.postgres.engine`) and
belongs to the session, so statements are not prepared where a pooler before the server pools
transactions (``IN_TRANSACTION``).  PostgreSQL itself plans anew where a table, an index or the statistics of a table have changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg2.errors import FeatureNotSupported, InvalidSqlStatementName

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult

#: Errors of a session whose prepared statements are gone or have changed columns.
STALE = (InvalidSqlStatementName, FeatureNotSupported)
#: How the statement of such an error begins.
EXECUTE = "EXECUTE"

#: The execution option of an engine whose sessions last for one transaction.
IN_TRANSACTION = "angel_x_in_transaction"
#: Key of the names that a session has prepared, with their uses.
_USES = "angel_x_prepared"
_PARAMETER = re.compile(r"%\((\w+)\)s")


class Statement(NamedTuple):
    """A statement to prepare, with its name in logs."""

    label: str
    #: A parameter is written as psycopg2 reads it, with a cast wherever its place gives it no type.
    text: str


class _Commands(NamedTuple):
    name: str
    prepare: str
    execute: str


def execute(
    connection: Connection, parameters: Mapping[str, object], *statements: Statement
) -> CursorResult[Any]:
    """Run statements in order within one message; return the result of the last.

    The first use of each in a session costs a round trip more.
    """
    if connection.get_execution_options().get(IN_TRANSACTION):
        return connection.exec_driver_sql("; ".join(s.text for s in statements), parameters)
    commands = [_commands(statement) for statement in statements]
    # A new session of the pool has an empty ``info``.
    uses: dict[str, int] = connection.info.setdefault(_USES, {})
    for command in commands:
        _plan(connection, command, uses)
    return connection.exec_driver_sql("; ".join(c.execute for c in commands), parameters)


def _plan(connection: Connection, command: _Commands, uses: dict[str, int]) -> None:
    """Count a use, and prepare the statement at the first, second, fourth, eighth use and so on.

    A plan for tables that were nearly empty must not stay once they have filled, and the statistics
    that make PostgreSQL plan anew may be a minute late.
    """
    count = uses.get(command.name, 0)
    if not count:
        connection.exec_driver_sql(command.prepare)
    elif not count & (count - 1):
        connection.exec_driver_sql(f"DEALLOCATE {command.name}; {command.prepare}")
    # Rolling back leaves a statement prepared.
    uses[command.name] = count + 1


@lru_cache(maxsize=512)
def _commands(statement: Statement) -> _Commands:
    text, numbers = numbered(statement.text)
    name = f"{statement.label}_{blake2b(text.encode(), digest_size=8).hexdigest()}"
    values = f" ({', '.join(f'%({parameter})s' for parameter in numbers)})" if numbers else ""
    return _Commands(name, f"PREPARE {name} AS {text}", f"{EXECUTE} {name}{values}")


def numbered(text: str) -> tuple[str, list[str]]:
    """Return a statement with ``$1``, ``$2``, … for its parameters, and their names in this order."""
    numbers: dict[str, int] = {}
    found = _PARAMETER.sub(lambda p: f"${numbers.setdefault(p[1], len(numbers) + 1)}", text)
    return found, list(numbers)
