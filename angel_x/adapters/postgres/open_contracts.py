"""The contracts in which an account holds a position or has an open order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

_OPEN = "SELECT DISTINCT symbol FROM exposures WHERE is_open ORDER BY symbol"


class OpenContracts:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self) -> list[str]:
        """Return the symbols, in order."""
        with self._engine.connect() as connection:
            return list(connection.exec_driver_sql(_OPEN).scalars())
