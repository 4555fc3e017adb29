"""Indexes of a revision on tables that may be large, built beside the writers.

A revision lists them as ``INDEXES``.  They are built without a lock that holds writers up, before the
transaction of the revision, which then finds them built and makes those of an empty database.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg2

from angel_x.adapters.servers.urls import libpq_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import cursor as cursor_type
    from sqlalchemy import URL

# A build waits for the transactions that began before it, and for none of their locks afterwards.
_PATIENTLY = "SET lock_timeout = 0; SET statement_timeout = 0"
_BRIEFLY = "SET lock_timeout = '1s'"
#: The table itself, or its partitions: an index of a partitioned table is not built concurrently.
_LEAVES = """
SELECT oid::regclass::text, true FROM pg_class WHERE oid = to_regclass(%(table)s) AND relkind = 'r'
UNION ALL
SELECT relid::regclass::text, false FROM pg_partition_tree(to_regclass(%(table)s)) WHERE isleaf ORDER BY 1
"""
#: Counts the index if its build was interrupted: it exists then, and no query uses it.
_INVALID = """
SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass(%(index)s) AND NOT indisvalid
"""


@dataclass(frozen=True, slots=True)
class IndexBuild:
    """An index of one table."""

    name: str
    table: str
    #: Columns and condition.
    definition: str
    #: Adds the column that the definition names; it may run twice.
    column: str = ""

    @property
    def statement(self) -> str:
        """The statement of the revision: it takes over what is built, also of partitions."""
        return f"CREATE INDEX IF NOT EXISTS {self.name} ON {self.table} {self.definition};"


def build(url: URL, builds: Sequence[IndexBuild]) -> None:
    """Build the indexes in a session of its own, without holding writers up.

    A second call builds what is missing.
    """
    address = libpq_url(url.render_as_string(hide_password=False))
    with closing(psycopg2.connect(address, connect_timeout=10)) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            for each in builds:
                _build(cursor, each)


def _build(cursor: cursor_type, each: IndexBuild) -> None:
    if each.column:
        cursor.execute(_BRIEFLY)
        cursor.execute(each.column)
    cursor.execute(_PATIENTLY)
    for name, table in _places(cursor, each):
        cursor.execute(_INVALID, {"index": name})
        if cursor.fetchall() != [(0,)]:
            cursor.execute(f"DROP INDEX CONCURRENTLY {name}")
        cursor.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {table} {each.definition}"
        )


def _places(cursor: cursor_type, each: IndexBuild) -> list[tuple[str, str]]:
    """Return the name of the index and the table for each table that holds rows."""
    cursor.execute(_LEAVES, {"table": each.table})
    return [
        (each.name if is_whole else f"{each.name}_{number}", table)
        for number, (table, is_whole) in enumerate(cursor.fetchall())
    ]
