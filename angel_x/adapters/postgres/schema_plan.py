"""The plan of a migration: its statements, and the data that a downgrade would lose."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres import schema
from angel_x.errors import MigrationRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

#: Quoted text and the bodies of functions hold semicolons that end no statement.
_TOKENS = re.compile(r"\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'|--[^\n]*|;|[^;$'-]+|.", re.DOTALL)
_SHOWN = 100

_COLUMNS = """
SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'alembic_version'
"""
_CHANGED = """
SELECT relname, n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables
WHERE n_tup_upd + n_tup_del > 0 AND relname <> 'alembic_version'
"""


class Nature(StrEnum):
    """The effect of a statement on the schema or its rows."""

    ADDS = "adds"
    CHANGES = "changes"
    REWRITES = "rewrites rows"
    REMOVES = "removes"


_NATURES = (
    (Nature.REMOVES, re.compile(r"^(DROP|ALTER TABLE\b.*\bDROP) (TABLE|COLUMN)\b", re.DOTALL)),
    (Nature.REWRITES, re.compile(r"^(UPDATE|INSERT|DELETE|WITH)\b")),
    (Nature.ADDS, re.compile(r"^(CREATE|GRANT|COMMENT|ALTER TABLE\b.*\bADD COLUMN)\b", re.DOTALL)),
)


@dataclass(frozen=True, slots=True)
class MigrationStatement:
    """A statement of a migration, cut to a readable length."""

    nature: Nature
    sql: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A revision that is not applied yet."""

    revision: str
    title: str
    statements: tuple[MigrationStatement, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """Data that a downgrade removes or rewrites: a table, a column, or rows of a table (``table:rows``)."""

    name: str
    rows: int


def plan(engine: Engine, more: schema.Versions = ()) -> list[Planned]:
    """Return the steps of an upgrade, without a change."""
    config = schema.configuration(more)
    return [
        _planned(config, revision)
        for revision in schema.pending(schema.current_revision(engine), config)
    ]


def losses(engine: Engine, revision: str) -> list[Loss]:
    """Return the data that a downgrade would lose, found by doing it and undoing it.

    Raises:
        MigrationRefused: It does not get its locks: the system is busy.
    """
    with schema.turn(engine) as connection:
        trial = connection.begin_nested()
        try:
            before = _columns(connection)
            schema.run(connection, command.downgrade, schema.configuration(), revision)
            lost = before - _columns(connection)
            changed = {f"{table}:rows": rows for table, rows in _pairs(connection, _CHANGED)}
        except OperationalError as error:
            raise MigrationRefused(
                f"stop the system before a downgrade: {str(error.orig).splitlines()[0]}"
            ) from error
        finally:
            trial.rollback()
        counted = {name: _count(connection, *name) for name in _named(lost, before)}
    removed = {".".join(filter(None, name)): rows for name, rows in counted.items() if rows}
    return [Loss(name, rows) for name, rows in sorted({**changed, **removed}.items())]


def check_losses(found: list[Loss], accepted: frozenset[str]) -> None:
    """Refuse a downgrade whose losses are not all named.

    Raises:
        MigrationRefused: With every loss and its number of rows.
    """
    refused = [f"{loss.name} ({loss.rows:,} rows)" for loss in found if loss.name not in accepted]
    if refused:
        raise MigrationRefused(
            f"this downgrade loses data: {', '.join(refused)}; take a backup, and name each with --lose"
        )


def _planned(config: Config, revision: str) -> Planned:
    script = schema.scripts_of(config).get_revision(revision)
    out = io.StringIO()
    config.output_buffer = out
    command.upgrade(config, f"{script.down_revision or 'base'}:{revision}", sql=True)
    title = (script.module.__doc__ or "").strip().partition("\n")[0]
    ours = [s for s in statements(out.getvalue()) if "alembic_version" not in s]
    return Planned(
        revision, title, tuple(MigrationStatement(nature_of(s), _shown(s)) for s in ours)
    )


def statements(sql: str) -> Iterator[str]:
    """Yield the statements of a script without comments and the limits of transactions."""
    text = ""
    for part in (*(match.group() for match in _TOKENS.finditer(sql)), ";"):
        if part != ";":
            text += "" if part.startswith("--") else part
            continue
        if (statement := text.strip()) and statement.upper() not in {"BEGIN", "COMMIT"}:
            yield statement
        text = ""


def nature_of(statement: str) -> Nature:
    """Return the effect of a statement, by its first words."""
    upper = statement.upper()
    return next((nature for nature, form in _NATURES if form.match(upper)), Nature.CHANGES)


def _shown(statement: str) -> str:
    line = " ".join(statement.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def _columns(connection: Connection) -> set[tuple[str, str]]:
    return set(_pairs(connection, _COLUMNS))


def _pairs(connection: Connection, query: str) -> list[tuple[str, Any]]:
    return [(first, second) for first, second in connection.exec_driver_sql(query)]


def _named(lost: set[tuple[str, str]], before: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Name a table once where all of its columns go."""
    kept = {table for table, _ in before - lost}
    return {(table, column if table in kept else "") for table, column in lost}


def _count(connection: Connection, table: str, column: str) -> int:
    counted = f'"{column}"' if column else "*"
    query = f'SELECT count({counted}) FROM "{table}"'
    return int(connection.exec_driver_sql(query).scalar_one())
