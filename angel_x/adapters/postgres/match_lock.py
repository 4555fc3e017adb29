"""The lock that keeps a second matcher from matching at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

_KEY = 0x416E67656C58 + 1
# Of a transaction, because a pooler gives each transaction another session.
_LOCK = f"SELECT pg_try_advisory_xact_lock({_KEY})"


class MatchLock:
    """One matcher of a database holds it; it ends with the holder's connection."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Hold the lock, or yield False at once where another matcher holds it."""
        with self._engine.begin() as connection:
            yield bool(connection.exec_driver_sql(_LOCK).scalar_one())
