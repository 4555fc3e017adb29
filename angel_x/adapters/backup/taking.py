"""Taking a backup: one snapshot of the whole database, verified before it gets its name."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in the clothes of a function

from angel_x.adapters.backup import description
from angel_x.adapters.backup.description import Description
from angel_x.adapters.backup.programs import Programs
from angel_x.adapters.home_files import named
from angel_x.adapters.servers.urls import libpq_url
from angel_x.errors import BackupFailed

if TYPE_CHECKING:
    from sqlalchemy import Engine

ACTION, SUBJECT = "backup.taken", "backup"

_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND NOT relispartition ORDER BY relname
"""
_RECORD = """
INSERT INTO audit_entries (actor, action, subject, detail) VALUES (%s, %s, %s, %s)
"""
_AGE = """
SELECT extract(epoch FROM clock_timestamp() - at)::float8 FROM audit_entries
WHERE subject = %(subject)s AND action = %(action)s ORDER BY id DESC LIMIT 1
"""


def take(url: str, file: Path, *, actor: str, clock: Callable[[], datetime]) -> Description:
    """Write a backup of the database at ``url`` to ``file``, for its owner only, and note it in the audit.

    The system may trade meanwhile.  A second call for the same file is refused.

    Raises:
        BackupFailed: The file exists, a program fails, or its output is not complete.
        UnusableFile: The directory cannot be written, or its disk is full.
    """
    if file.exists():
        raise BackupFailed(f"a backup is never overwritten, and there is one: {file}")
    draft = file.with_name(f"{file.name}.part")
    with named(draft):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        taken = _take(url, file, draft, clock())
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _record(url, taken, file, actor)
    return taken


def latest_age_seconds(engine: Engine) -> float:
    """Return the age of the newest backup; infinite if there is none."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql(_AGE, {"subject": SUBJECT, "action": ACTION}).scalar()
    return float("inf") if found is None else float(found)


def _take(url: str, file: Path, draft: Path, now: datetime) -> Description:
    with snapshot(url) as (connection, name):
        programs = Programs(url, major_of(connection))
        _dump(programs, draft, name)
        rows = counted(connection)
        revision = revision_of(connection)
    _verify(programs, draft, rows)
    with named(draft):
        taken = Description(
            file=file.name,
            bytes=draft.stat().st_size,
            sha256=description.checksum(draft),
            taken_at=now,
            release=version("angel-x"),
            revision=revision,
            postgres=programs.major,
            rows=rows,
        )
        _store(draft, file)
    description.write(taken, file)
    return taken


@contextmanager
def snapshot(url: str) -> Iterator[tuple[Connection, str]]:
    """Hold one state of the database, and give the name by which programs see the same."""
    with closing(psycopg2.connect(libpq_url(url), connect_timeout=10)) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection, connection.cursor() as cursor:
            # The program takes longer than a transaction of ours may do nothing.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT pg_export_snapshot()")
            (name,) = cursor.fetchone() or ("",)
            yield connection, name


def counted(connection: Connection) -> dict[str, int]:
    """Return the number of rows of every table."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_TABLES)
        tables = [name for (name,) in cursor.fetchall()]
        rows = {}
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608 - a name of the catalog
            (rows[table],) = cursor.fetchone() or (0,)
    return rows


def revision_of(connection: Connection) -> str:
    """Return the revision of the schema.

    Raises:
        BackupFailed: There is no schema.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('public.alembic_version') IS NOT NULL")
        if cursor.fetchone() != (True,):
            raise BackupFailed("this database holds no schema of Angel-X")
        cursor.execute("SELECT version_num FROM alembic_version")
        (revision,) = cursor.fetchone() or ("",)
    return str(revision)


def major_of(connection: Connection) -> int:
    """Return the major version of the server."""
    return connection.server_version // 10_000


def _dump(programs: Programs, file: Path, snapshot_name: str) -> None:
    programs.run(
        "pg_dump",
        "--format=custom",
        # Roles differ from server to server; the application's gets its rights when it is restored.
        *("--no-owner", "--no-privileges"),
        f"--snapshot={snapshot_name}",
        # A migration that waits for its lock would hold up the order path behind us.
        "--lock-wait-timeout=30s",
        "--no-password",
        f"--file={file}",
        f"--dbname={programs.database}",
    )


def _verify(programs: Programs, file: Path, rows: dict[str, int]) -> None:
    """Read every block of the file, and find every table that has rows.

    Raises:
        BackupFailed: A block cannot be read, or a table is missing.
    """
    listed = programs.run("pg_restore", "--list", str(file))
    programs.run("pg_restore", f"--file={os.devnull}", str(file))
    missing = [table for table in rows if f" TABLE public {table} " not in listed]
    if missing:
        raise BackupFailed(f"tables are missing from the backup: {', '.join(missing)}")


def _store(draft: Path, file: Path) -> None:
    """Give the file its name once it is on the disk."""
    for path in (draft, draft.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    draft.rename(file)


def _record(url: str, taken: Description, file: Path, actor: str) -> None:
    detail = {"file": str(file.absolute()), "bytes": taken.bytes, "sha256": taken.sha256}
    with (
        closing(psycopg2.connect(libpq_url(url), connect_timeout=10)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(_RECORD, (actor, ACTION, SUBJECT, json.dumps(detail)))
