"""Restoring a backup: in one transaction, into a database that is empty or is to be replaced."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in the clothes of a function

from angel_x.adapters.backup.description import Description, read_verified
from angel_x.adapters.backup.programs import Programs
from angel_x.adapters.backup.taking import counted, major_of
from angel_x.adapters.postgres import schema
from angel_x.adapters.servers.urls import libpq_url
from angel_x.errors import BackupFailed

_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_RELATIONS = """
SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
"""
_BEGIN = b"SET client_min_messages = warning;\nBEGIN;\n"
_EMPTY = b"DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n"


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored backup."""

    description: Description
    #: Whether stored data was replaced.
    replaced: bool


def restore(url: str, file: Path, *, replace: bool) -> Restored:
    """Restore a backup into the database at ``url``: as a whole, or not at all.

    Afterwards every table has as many rows as when the backup was taken.

    Raises:
        BackupFailed: The backup is damaged or of a newer release or server; the database is in use, or is
            not empty and ``replace`` is not set; or a program fails.
    """
    described = read_verified(file)
    if described.revision not in schema.known_revisions():
        raise BackupFailed(
            f"{file} has the schema {described.revision} of release {described.release}, which this "
            "release does not know: restore it with that release or a newer one"
        )
    with closing(psycopg2.connect(libpq_url(url), connect_timeout=10)) as connection:
        connection.autocommit = True
        _check_server(connection, described, file)
        is_empty = _number(connection, _RELATIONS) == 0
        if not is_empty and not replace:
            raise BackupFailed(
                "the database is not empty, so nothing was restored: --replace drops all that it holds"
            )
        programs = Programs(url, major_of(connection))
    _pour(programs, file, drop=not is_empty)
    _compare(url, described)
    return Restored(described, replaced=not is_empty)


def _check_server(connection: Connection, described: Description, file: Path) -> None:
    major = major_of(connection)
    if described.postgres > major:
        raise BackupFailed(
            f"{file} is of PostgreSQL {described.postgres}, the server is older: {major}"
        )
    others = _number(connection, _OTHERS)
    if others:
        raise BackupFailed(f"stop the system first: others use the database, {others} connections")


def _pour(programs: Programs, file: Path, *, drop: bool) -> None:
    """Read the backup into one transaction, which is committed once all of it has been read."""
    reading = ("pg_restore", "--no-owner", "--no-privileges", "--file=-", str(file))
    writing = ("psql", "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1")
    with programs.started(
        *writing, f"--dbname={programs.database}", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as psql:
        assert psql.stdin is not None
        psql.stdin.write(_BEGIN + (_EMPTY if drop else b""))
        with programs.started(*reading, stdout=subprocess.PIPE) as pg_restore:
            assert pg_restore.stdout is not None
            shutil.copyfileobj(pg_restore.stdout, psql.stdin)
        psql.stdin.write(b"COMMIT;\n")


def _compare(url: str, described: Description) -> None:
    with closing(psycopg2.connect(libpq_url(url), connect_timeout=10)) as connection:
        rows = counted(connection)
    if rows != described.rows:
        wrong = [t for t in described.rows if rows.get(t) != described.rows[t]]
        raise BackupFailed(f"restored tables have other rows than the backup: {', '.join(wrong)}")


def _number(connection: Connection, query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        (number,) = cursor.fetchone() or (0,)
    return int(number)
