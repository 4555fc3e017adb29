"""Risk parameter files in the database: the newest row is in force."""

from __future__ import annotations

import io
import json
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from angel_x.adapters.postgres.rows import read
from angel_x.domain.margin.risk_file import RiskFile, RiskFileRecord

if TYPE_CHECKING:
    from sqlalchemy import Engine

_NEWEST = "SELECT coalesce(max(id), 0) AS id FROM risk_files"
_CONTENT = "SELECT name, business_day, content FROM risk_files WHERE id = %(id)s"
_RECORD = """
SELECT name, business_day, contracts, actor, at FROM risk_files ORDER BY id DESC LIMIT 1
"""
_LOCK = "LOCK TABLE risk_files IN SHARE ROW EXCLUSIVE MODE"
_EMPTY = "UPDATE risk_files SET content = NULL WHERE content IS NOT NULL"
_ADD = """
WITH added AS (
    INSERT INTO risk_files (name, business_day, contracts, content, actor)
    VALUES (%(name)s, %(day)s, %(contracts)s, %(content)s, %(actor)s)
)
INSERT INTO audit_entries (actor, action, subject, detail)
VALUES (%(actor)s, %(action)s, 'system', jsonb_build_object(
    'file', %(name)s::text, 'contracts', %(contracts)s::integer))
"""


class _NewestRow(NamedTuple):
    id: int


class _ContentRow(NamedTuple):
    name: str
    business_day: date | None
    content: bytes | None


class _RecordRow(NamedTuple):
    name: str
    business_day: date | None
    contracts: int
    actor: str
    at: datetime


class PostgresRiskFiles:
    """The table ``risk_files``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self) -> int:
        """Return the number of the newest row, zero without one."""
        ((number,),) = read(self._engine, _NEWEST, _NewestRow)
        return number

    def get(self, number: int) -> RiskFile | None:
        """Return a file; None for the end of one, and for one that a newer one has replaced."""
        for row in read(self._engine, _CONTENT, _ContentRow, {"id": number}):
            if row.business_day is not None and row.content is not None:
                return _decoded(row.name, row.business_day, row.content)
        return None

    def record(self) -> RiskFileRecord | None:
        """Return what is in force since when, None before the first file."""
        for row in read(self._engine, _RECORD, _RecordRow):
            return RiskFileRecord(*row)
        return None

    def put(self, file: RiskFile, actor: str) -> None:
        """Bring a file into force, with its audit entry."""
        self._add(
            {
                "name": file.name,
                "day": file.day,
                "contracts": len(file.symbols),
                "content": _encoded(file),
                "actor": actor,
                "action": "risk_file.loaded",
            }
        )

    def drop(self, actor: str) -> None:
        """End the file in force, with its audit entry."""
        self._add(
            {
                "name": "",
                "day": None,
                "contracts": 0,
                "content": None,
                "actor": actor,
                "action": "risk_file.dropped",
            }
        )

    def _add(self, parameters: dict[str, object]) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_LOCK)
            connection.exec_driver_sql(_EMPTY)
            connection.exec_driver_sql(_ADD, parameters)


def _encoded(file: RiskFile) -> bytes:
    buffer = io.BytesIO()
    spreads = json.dumps({name: str(charge) for name, charge in file.spreads.items()})
    np.savez_compressed(
        buffer,
        columns=file.columns,
        symbols=np.frombuffer("\n".join(file.symbols).encode(), np.uint8),
        spreads=np.frombuffer(spreads.encode(), np.uint8),
    )
    return buffer.getvalue()


def _decoded(name: str, day: date, content: bytes) -> RiskFile:
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        symbols = found["symbols"].tobytes().decode().split("\n")
        spreads = json.loads(found["spreads"].tobytes())
        columns = found["columns"]
    charges = {underlying: Decimal(charge) for underlying, charge in spreads.items()}
    return RiskFile(name, day, tuple(symbols), columns, charges)
