"""The indexes of the schema: those of the migrations against those of the database."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from alembic import command

from angel_x.adapters.postgres import schema, schema_plan

if TYPE_CHECKING:
    from sqlalchemy import Engine

_CREATED = re.compile(r"CREATE (?:UNIQUE )?INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?(\w+)")
_DROPPED = re.compile(r"DROP INDEX (?:CONCURRENTLY )?(?:IF EXISTS )?(\w+)")
_RENAMED = re.compile(r"ALTER INDEX (?:IF EXISTS )?(\w+) RENAME TO (\w+)")
# One that is not valid was left by a CREATE INDEX CONCURRENTLY that failed: writers keep it, readers ignore it.
_PRESENT = """
SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = 'public'::regnamespace
"""


def planned_indexes() -> dict[str, str]:
    """Return the statement of each index that the migrations of this release leave, by its name."""
    config, out = schema.configuration(), io.StringIO()
    config.output_buffer = out
    command.upgrade(config, "base:head", sql=True)
    found: dict[str, str] = {}
    for statement in schema_plan.statements(out.getvalue()):
        if created := _CREATED.match(statement):
            found[created[1]] = " ".join(statement.split())
        elif dropped := _DROPPED.match(statement):
            found.pop(dropped[1], None)
        elif (renamed := _RENAMED.match(statement)) and renamed[1] in found:
            found[renamed[2]] = found.pop(renamed[1]).replace(renamed[1], renamed[2], 1)
    return found


def unusable_indexes(engine: Engine) -> dict[str, str]:
    """Return the statement that repairs each index that is missing or not valid, by its name."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(_PRESENT).all()
    present: dict[str, bool] = {str(name): bool(is_valid) for name, is_valid in rows}
    missing = {n: sql for n, sql in planned_indexes().items() if n not in present}
    invalid = {
        n: f"REINDEX INDEX CONCURRENTLY {n}" for n, is_valid in present.items() if not is_valid
    }
    return missing | invalid
