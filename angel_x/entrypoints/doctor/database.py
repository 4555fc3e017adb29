"""The database: its schema, indexes, partitions and statistics, and its slow statements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.indexes import unusable_indexes
from angel_x.adapters.postgres.server_state import read_state, unanalyzed_tables
from angel_x.adapters.postgres.slow_queries import slow_queries
from angel_x.domain.operations.check import Check, CheckStatus, Measured
from angel_x.errors import StatisticsMissing

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from angel_x.bootstrap import Application

PARTITIONS, STATISTICS = "partitions of the coming days", "statistics of the tables"
_SHOWN = 3
_WARNING = CheckStatus.WARNING
_BEHIND = "Run `angel-x db upgrade`, beside the running system."
_NEWER = "Install the release that has upgraded the database on this machine too."
_TWO = (
    "Two releases have migrated this database: restore a backup, or name the right one to Alembic."
)


def schema_checks(app: Application) -> Iterator[Check]:
    """Yield the revision of the schema, and its indexes where it is the one of this release."""
    revisions, head = schema.current_revisions(app.base.engine), schema.head_revision()
    yield revision_check(revisions, head)
    if revisions == (head,):
        yield _indexes(app.base.engine)
        yield _partitions(app)


def revision_check(revisions: tuple[str, ...], head: str | None) -> Check:
    """Compare the revisions of a database with the newest one of this release."""
    name, at = "revision of the schema", ", ".join(revisions)
    if len(revisions) > 1:
        return Check.of_fault(name, f"several revisions: {at}", detail="", fix=_TWO)
    if not revisions:
        return Check.of_fault(name, "the database has no schema", detail="", fix=_BEHIND)
    is_newer = revisions[0] not in schema.known_revisions()
    if is_newer:
        fault = f"at {at}, of a newer release; this one has {head}"
        return Check.of_fault(name, fault, detail="", fix=_NEWER, otherwise=_WARNING)
    fault = f"at {at}, this release has {head}" if at != head else ""
    return Check.of_fault(name, fault or None, detail=f"at {at}", fix=_BEHIND)


def _indexes(engine: Engine) -> Check:
    unusable = unusable_indexes(engine)
    return Check.of_fault(
        "indexes",
        f"missing or not valid: {', '.join(unusable)}" if unusable else None,
        detail="every index of the migrations is valid",
        fix="; ".join(unusable.values()),
    )


def _partitions(app: Application) -> Check:
    missing = app.operations.partitions.missing()
    return Check.of_fault(
        PARTITIONS,
        f"{len(missing)} are missing: {', '.join(missing[:_SHOWN])}" if missing else None,
        detail="the coming days have theirs",
        fix="`angel-x doctor --fix` makes them; look why `monitor.maintain_partitions` did not.",
        otherwise=_WARNING,
    )


def statement_checks(app: Application) -> Iterator[Check]:
    """Yield the means that show slow statements, and the statistics that keep them fast."""
    settings, state = app.base.settings, read_state(app.base.engine)
    limit = settings.slow_query_threshold_ms
    logged = state.log_duration_ms
    yield Check.of_fault(
        "log of slow statements",
        None if 0 <= logged <= limit else f"log_min_duration_statement is {logged} ms",
        detail=f"from {logged} ms on, and {limit} ms in the logs of Angel-X",
        fix=f"ALTER SYSTEM SET log_min_duration_statement = {limit}; SELECT pg_reload_conf()",
        otherwise=_WARNING,
    )
    yield _counted(app.base.engine)
    tables = unanalyzed_tables(app.base.engine)
    yield Check.of_fault(
        STATISTICS,
        f"none of {', '.join(tables)}" if tables else None,
        detail="every table with rows has some",
        fix="`angel-x doctor --fix` runs ANALYZE; look whether autovacuum is on.",
        otherwise=_WARNING,
    )


def _counted(engine: Engine) -> Check:
    name = "counts of statements"
    try:
        slowest = slow_queries(engine, 1)
    except StatisticsMissing as missing:
        return Check.of_fault(
            name, str(missing), detail="", fix=str(missing).partition(": ")[2], otherwise=_WARNING
        )
    mean = slowest[0].mean_ms if slowest else 0.0
    return Check.of_limit(
        name,
        Measured(round(mean, 1), 50.0, "ms"),
        detail="mean time of the statement that takes most of the server's time",
        fix="See `angel-x db slow-queries`.",
        otherwise=_WARNING,
    )
