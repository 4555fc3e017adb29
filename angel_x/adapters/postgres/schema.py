"""The revision of the schema: upgrade, downgrade and read."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from angel_x.adapters.postgres.grants import grant

#: The advisory lock that serializes migrations of one database.
_LOCK_KEY = 7_243_392


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Upgrade the schema to a revision, and grant the privileges of the application's role.

    A second call changes nothing.
    """
    _migrate(engine, command.upgrade, revision)
    with engine.begin() as connection:
        grant(connection)


def downgrade(engine: Engine, revision: str) -> None:
    """Downgrade the schema to a revision; ``base`` removes every table."""
    _migrate(engine, command.downgrade, revision)


def current_revision(engine: Engine) -> str | None:
    """Return the revision of the database, None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str | None:
    """Return the newest revision of this release."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _migrate(engine: Engine, run: object, revision: str) -> None:
    assert callable(run)
    config = _config()
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        config.attributes["connection"] = connection
        run(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
