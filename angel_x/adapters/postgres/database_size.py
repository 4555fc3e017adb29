"""The size of each table with its indexes, its long values and the space that its rows no longer need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

# Partitions count for their table.  The estimate is the size of the heap less the one of its rows at
# their average width (pg_stats), with 24 bytes of header and 4 of pointer each, on pages of 8168 usable
# bytes: it knows nothing of alignment, so it errs by some percent.
_TABLES = """
WITH heaps AS (
    SELECT c.oid, coalesce(pg_partition_root(c.oid), c.oid)::regclass::text AS root,
        greatest(c.reltuples, 0) AS live, s.n_dead_tup AS dead, pg_relation_size(c.oid) AS heap,
        pg_indexes_size(c.oid) AS indexes, coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) AS toast,
        pg_total_relation_size(c.oid) AS total, (
            SELECT coalesce(sum((1 - p.null_frac) * p.avg_width), 0) FROM pg_stats p
            WHERE p.schemaname = 'public' AND p.tablename = c.relname) AS width, (
            SELECT coalesce(max(o.option_value::integer), 100) FROM pg_options_to_table(c.reloptions) o
            WHERE o.option_name = 'fillfactor') AS fillfactor
    FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
)
SELECT root AS name, sum(live)::bigint AS rows, coalesce(sum(dead), 0)::bigint AS dead_rows,
    sum(total)::bigint AS total_bytes, sum(heap)::bigint AS heap_bytes, sum(indexes)::bigint AS index_bytes,
    sum(toast)::bigint AS toast_bytes,
    sum(CASE WHEN width > 0
        THEN greatest(0, heap - ceil(live * (width + 28) / (81.68 * fillfactor)) * 8192) ELSE 0 END)::bigint AS bloat_bytes
FROM heaps GROUP BY root ORDER BY total_bytes DESC, name
"""
_INDEXES = """
SELECT indexrelname AS name, relname AS table, pg_relation_size(indexrelid) AS bytes, idx_scan AS scans
FROM pg_stat_user_indexes WHERE schemaname = 'public' ORDER BY bytes DESC, name LIMIT %(limit)s
"""
_DATABASE = "SELECT pg_database_size(current_database())"


@dataclass(frozen=True, slots=True)
class TableSize:
    """The size of a table with all of its partitions."""

    name: str
    rows: int
    dead_rows: int
    total_bytes: int
    heap_bytes: int
    index_bytes: int
    toast_bytes: int
    #: Estimated from the statistics of the table, zero where it has none.
    bloat_bytes: int

    @property
    def index_share(self) -> float:
        return self.index_bytes / self.total_bytes if self.total_bytes else 0.0


@dataclass(frozen=True, slots=True)
class IndexSize:
    name: str
    table: str
    bytes: int
    #: Since the statistics of the server were last reset.
    scans: int


@dataclass(frozen=True, slots=True)
class DatabaseSize:
    bytes: int
    #: The largest first.
    tables: tuple[TableSize, ...]
    indexes: tuple[IndexSize, ...]


def read_size(engine: Engine, *, indexes: int) -> DatabaseSize:
    """Return the sizes of all tables and of the largest indexes."""
    with engine.connect() as connection:
        total = connection.exec_driver_sql(_DATABASE).scalar_one()
        tables = connection.exec_driver_sql(_TABLES).all()
        largest = connection.exec_driver_sql(_INDEXES, {"limit": indexes}).all()
    return DatabaseSize(
        total, tuple(TableSize(*row) for row in tables), tuple(IndexSize(*row) for row in largest)
    )
