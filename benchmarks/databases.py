"""Fresh databases with the schema of a release, on servers that run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from angel_x.adapters.servers.urls import libpq_url
from benchmarks.bare.written import select
from benchmarks.system import angel_x

#: Settings that say where a server is.
_PLACES = ("_file", "_directory", "_directories")


class Databases:
    """Makes databases on a PostgreSQL that runs; the schema comes from a release's command line."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}

    @contextmanager
    def fresh(self, python: str) -> Iterator[str]:
        """Make a database with the schema of an interpreter's Angel-X; yield its libpq URL."""
        if python not in self._templates:
            self._templates[python] = self._upgraded(python)
        name = self._create(self._templates[python])
        try:
            yield libpq_url(self._named(name))
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _upgraded(self, python: str) -> str:
        name = self._create("template0")
        environ = {"ANGEL_X_DATABASE_URL": self._named(name), "ANGEL_X_HOME": str(self._folder)}
        angel_x(python, self._folder, "db", "upgrade", **environ)
        return name

    def _create(self, template: str) -> str:
        name = f"fresh_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def _named(self, name: str) -> str:
        return urlsplit(self._url)._replace(path=f"/{name}").geturl()

    def _execute(self, statement: str) -> None:
        with closing(psycopg2.connect(libpq_url(self._url))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)


def settings(url: str) -> Mapping[str, str]:
    """Return the settings of a PostgreSQL by name, without those that say where it is."""
    with closing(psycopg2.connect(url)) as connection:
        rows = select(connection, "SELECT name, setting FROM pg_settings")
    return {name: setting for name, setting in rows if not name.endswith(_PLACES)}
