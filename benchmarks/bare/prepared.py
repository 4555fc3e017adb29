"""Prepared statements of a psycopg2 connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchmarks.bare.written import Row

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 - a class with a small name

BEGIN, COMMIT = "BEGIN", "COMMIT"

_PARAMETER = re.compile(r"%\((\w+)\)s")


class Statements:
    """Prepared statements of one connection, each planned once, however it is parameterized."""

    def __init__(self, connection: Connection) -> None:
        self._cursor = connection.cursor()
        self._cursor.execute("SET plan_cache_mode = force_generic_plan")
        connection.commit()
        self._calls = {BEGIN: BEGIN, COMMIT: COMMIT}

    def execute(self, *statements: str, parameters: Mapping[str, str]) -> None:
        """Run statements one after the other, in one message."""
        self._cursor.execute(";".join(map(self._call, statements)), parameters)

    def fetchall(self) -> list[Row]:
        """Return the rows of the last statement."""
        return self._cursor.fetchall()

    def _call(self, statement: str) -> str:
        if statement not in self._calls:
            self._calls[statement] = self._prepared(statement)
        return self._calls[statement]

    def _prepared(self, statement: str) -> str:
        """Prepare a statement with its named parameters as numbers; return how it is called."""
        names = list(dict.fromkeys(_PARAMETER.findall(statement)))
        numbers = {name: f"${place}" for place, name in enumerate(names, 1)}
        text = _PARAMETER.sub(lambda match: numbers[match[1]], statement)
        name = f"statement_{len(self._calls)}"
        self._cursor.execute(f"PREPARE {name} AS {text}")
        return f"EXECUTE {name} ({', '.join(f'%({n})s' for n in names)})"
