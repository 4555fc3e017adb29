"""The revision of the schema: upgrade, downgrade and read, while the system runs.

Each revision is a transaction of its own, and none keeps the order path waiting: a statement that does not
get its lock within a second is undone with its revision and tried again later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg2.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres import index_builds
from angel_x.adapters.postgres.grants import grant
from angel_x.errors import MigrationRefused

log = structlog.get_logger()

#: The advisory lock that serializes migrations of one database.
_LOCK_KEY = 7_243_392
#: The order path queues behind a statement that waits for its lock.
_LOCK_SECONDS = 1.0
#: Between two looks whether another migration has ended.
_TURN_SECONDS = 0.1
_MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class MigrationPace:
    """How a migration gives way to the order path, in seconds."""

    #: Between two attempts of a revision.
    pause: float = 2.0
    #: Until it is given up.
    patience: float = 600.0


#: Beside those of this release, for tests of a coming release.
Versions = tuple[Path, ...]


def upgrade(
    engine: Engine,
    revision: str = "head",
    *,
    pace: MigrationPace | None = None,
    more: Versions = (),
) -> None:
    """Upgrade the schema to a revision, and grant the privileges of the application's role.

    Of two calls at once one waits for the other.  A second call changes nothing, and neither does one that
    finds the schema of a newer release.

    Raises:
        MigrationRefused: A revision did not get its locks in time; the ones before it are applied.
    """
    config = configuration(more)
    while _patiently(engine, lambda c: _step(c, config, revision), pace or MigrationPace()):
        pass


def downgrade(engine: Engine, revision: str, *, pace: MigrationPace | None = None) -> None:
    """Downgrade the schema to a revision, as a whole; ``base`` removes every table.

    Raises:
        MigrationRefused: It did not get its locks in time; nothing has changed.
    """
    _patiently(
        engine,
        lambda c: run(c, command.downgrade, configuration(), revision),
        pace or MigrationPace(),
    )


def current_revision(engine: Engine) -> str | None:
    """Return the revision of the database, None for an empty one."""
    with engine.connect() as connection:
        return _current(connection)


def current_revisions(engine: Engine) -> tuple[str, ...]:
    """Return the revisions of the database: more than one where two releases were mixed."""
    with engine.connect() as connection:
        return tuple(sorted(MigrationContext.configure(connection).get_current_heads()))


def head_revision() -> str | None:
    """Return the newest revision of this release."""
    return scripts_of(configuration()).get_current_head()


def known_revisions() -> frozenset[str]:
    """Return every revision of this release: another one is of a newer release."""
    return frozenset(each.revision for each in scripts_of(configuration()).walk_revisions())


def pending(current: str | None, config: Config, revision: str = "head") -> list[str]:
    """Return the revisions after ``current`` up to another, in the order in which they apply.

    An unknown current revision is of a newer release: there are none.
    """
    directory = scripts_of(config)
    if current is not None and all(s.revision != current for s in directory.walk_revisions()):
        return []
    upward = directory.iterate_revisions(revision, current or "base")
    return [script.revision for script in upward][::-1]


def scripts_of(config: Config) -> ScriptDirectory:
    """Return the migrations of a configuration."""
    return ScriptDirectory.from_config(config)


def run(
    connection: Connection, step: Callable[[Config, str], object], config: Config, revision: str
) -> None:
    """Run a command of Alembic within a transaction of the caller."""
    config.attributes["connection"] = connection
    step(config, revision)


@contextmanager
def turn(engine: Engine) -> Iterator[Connection]:
    """Open a transaction once no other migration runs; its statements do not wait long for a lock.

    It asks again and again, each time in another transaction: the build of an index waits for those
    that began before it.
    """
    while True:
        with engine.begin() as connection:
            taken = connection.execute(
                text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK_KEY}
            )
            if taken.scalar_one():
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(_LOCK_SECONDS * 1000)}")
                yield connection
                return
        time.sleep(_TURN_SECONDS)


def _step(connection: Connection, config: Config, revision: str) -> bool:
    """Apply the next revision; return whether there was one."""
    following = pending(_current(connection), config, revision)
    if not following:
        if _current(connection) is not None:
            grant(connection)
        return False
    _build_indexes(connection, config, following[0])
    run(connection, command.upgrade, config, following[0])
    return True


def _build_indexes(connection: Connection, config: Config, revision: str) -> None:
    """Build the indexes of a revision in a session of their own, while this one holds the lock."""
    builds = getattr(scripts_of(config).get_revision(revision).module, "INDEXES", ())
    if builds:
        # A build may take longer than a transaction may be idle.
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        index_builds.build(connection.engine.url, builds)


def _patiently(
    engine: Engine, work: Callable[[Connection], bool | None], pace: MigrationPace
) -> bool:
    """Do work in a transaction that holds the lock of migrations, again while its own locks are taken."""
    deadline = time.monotonic() + pace.patience
    while True:
        try:
            with turn(engine) as connection:
                return bool(work(connection))
        except (OperationalError, LockNotAvailable) as error:
            # The session that builds indexes has no engine, which would wrap its errors.
            cause = error.orig if isinstance(error, OperationalError) else error
            if not isinstance(cause, LockNotAvailable | DeadlockDetected):
                raise
            if time.monotonic() > deadline:
                raise MigrationRefused(
                    f"a migration did not get its locks in {pace.patience:g} s: end long transactions "
                    "(pg_stat_activity) and try again"
                ) from error
            log.warning("migration.waiting", reason=str(cause).splitlines()[0])
            time.sleep(pace.pause)


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def configuration(more: Versions = ()) -> Config:
    """Return the configuration of Alembic."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    places = (_MIGRATIONS / "versions", *more)
    config.set_main_option("version_locations", "\n".join(map(str, places)))
    config.set_main_option("path_separator", "newline")
    return config
