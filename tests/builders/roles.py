"""A database whose connections have a role of the deployment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.grants import READER, ROLE

ROLES = Path(__file__).resolve().parents[2] / "deploy" / "postgres-roles.sql"


@contextmanager
def under_role(engine: Engine, role: str) -> Iterator[None]:
    """Make the roles as the deployment does; every connection from now on has ``role``."""
    made = ROLES.read_text(encoding="utf-8")
    for variable in ("password", "reader_password"):
        made = made.replace(f":'{variable}'", "'secret'")
    statements = "".join(line for line in made.splitlines() if not line.startswith(("--", "\\")))
    with engine.begin() as connection:
        connection.exec_driver_sql(statements)
    try:
        schema.upgrade(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql(f'ALTER DATABASE "{engine.url.database}" SET role = {role}')
        yield
    finally:
        with engine.begin() as connection:
            for each in (ROLE, READER):
                connection.exec_driver_sql(f"DROP OWNED BY {each}; DROP ROLE {each}")
