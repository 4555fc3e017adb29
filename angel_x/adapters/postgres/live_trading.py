"""The records of live trading: confirmations, runs of the system, and the newest reconciliation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, cast

from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.rows import named, read
from angel_x.domain.exchange.live_trading import (
    LiveConfirmation,
    LiveRecords,
    LiveTerms,
    TradingMode,
    TradingRun,
)
from angel_x.domain.orders.order import ASKED

if TYPE_CHECKING:
    from sqlalchemy import Engine

_RECORDS = """
SELECT c.client_code, c.address, c.users, c.actor, c.at, c.expires_at,
    r.mode, r.client_code AS run_client_code, r.started_at, r.is_clean,
    (SELECT max(at) FROM reconciliations
        WHERE unequal = 0 AND pending = 0 AND at >= r.started_at) AS reconciled_at,
    ARRAY(SELECT id FROM users WHERE name = ANY(%(users)s)) AS user_ids
FROM (SELECT) AS one
LEFT JOIN LATERAL (SELECT * FROM live_confirmations ORDER BY id DESC LIMIT 1) c ON true
LEFT JOIN LATERAL (SELECT * FROM trading_runs ORDER BY id DESC LIMIT 1) r ON true
"""
_CONFIRM = """
WITH added AS (
    INSERT INTO live_confirmations (client_code, address, users, actor, expires_at)
    VALUES (%(client_code)s, %(address)s, %(users)s, %(actor)s, %(expires_at)s)
)
INSERT INTO audit_entries (actor, action, subject, detail)
VALUES (%(actor)s, %(action)s, 'system', jsonb_build_object('client_code', %(client_code)s::text,
    'address', %(address)s::text, 'users', to_jsonb(%(users)s::text[]),
    'expires_at', %(expires_at)s::timestamptz))
"""
# Two starts at once see one another.
_LOCK_RUNS = "LOCK TABLE trading_runs IN SHARE ROW EXCLUSIVE MODE"
_BEGIN = f"""
WITH ended AS (
    UPDATE trading_runs SET stopped_at = clock_timestamp() WHERE stopped_at IS NULL RETURNING id
), last AS (
    SELECT mode, client_code FROM trading_runs ORDER BY id DESC LIMIT 1
)
INSERT INTO trading_runs (mode, client_code, node, is_clean)
SELECT %(mode)s, %(client_code)s, %(node)s,
    NOT EXISTS (SELECT FROM ended)
    AND EXISTS (SELECT FROM last WHERE mode = %(mode)s AND client_code IS NOT DISTINCT FROM %(client_code)s)
    AND NOT EXISTS (SELECT FROM orders WHERE status IN {literals(ASKED)})
RETURNING id, is_clean
"""
_END = """
UPDATE trading_runs SET stopped_at = clock_timestamp() WHERE id = %(id)s AND stopped_at IS NULL
"""


class _RecordsRow(NamedTuple):
    client_code: str | None
    address: str | None
    users: list[str] | None
    actor: str | None
    at: datetime | None
    expires_at: datetime | None
    mode: str | None
    run_client_code: str | None
    started_at: datetime | None
    is_clean: bool | None
    reconciled_at: datetime | None
    user_ids: list[int]


class _RunRow(NamedTuple):
    id: int
    is_clean: bool


class PostgresLiveTrading:
    """The tables ``live_confirmations`` and ``trading_runs``; it reads ``reconciliations``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def records(self, users: Sequence[str]) -> LiveRecords:
        """Return the newest records, with the ids of these accounts."""
        [row] = read(self._engine, _RECORDS, _RecordsRow, {"users": list(users)})
        return LiveRecords(
            _confirmation(row), _run(row), row.reconciled_at, frozenset(row.user_ids)
        )

    def confirm(self, terms: LiveTerms, expires_at: datetime, actor: str) -> None:
        """Bring a confirmation into force, with its audit entry."""
        self._confirm(terms, expires_at, actor, "live_trading.confirmed")

    def withdraw(self, terms: LiveTerms, actor: str) -> None:
        """End the confirmation in force, with an audit entry."""
        self._confirm(terms, None, actor, "live_trading.withdrawn")

    def begin_run(self, mode: TradingMode, client_code: str | None, node: str) -> tuple[int, bool]:
        """Record a start; return the number of the run, and whether the one before ended in order.

        A run that goes on beside this one counts as one that did not.
        """
        parameters = {"mode": mode, "client_code": client_code, "node": node}
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_LOCK_RUNS)
            [row] = named(connection.exec_driver_sql(_BEGIN, parameters), _RunRow)
        return row.id, row.is_clean

    def end_run(self, number: int) -> None:
        """Record that a run was stopped in order; a second call changes nothing."""
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_END, {"id": number})

    def _confirm(
        self, terms: LiveTerms, expires_at: datetime | None, actor: str, action: str
    ) -> None:
        parameters = {
            "client_code": terms.client_code,
            "address": terms.address,
            "users": list(terms.users),
            "actor": actor,
            "expires_at": expires_at,
            "action": action,
        }
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_CONFIRM, parameters)


def _confirmation(row: _RecordsRow) -> LiveConfirmation | None:
    if row.at is None:
        return None
    terms = LiveTerms(str(row.client_code), str(row.address), tuple(row.users or ()))
    return LiveConfirmation(terms, str(row.actor), row.at, row.expires_at)


def _run(row: _RecordsRow) -> TradingRun | None:
    if row.started_at is None:
        return None
    mode = cast("TradingMode", row.mode)
    return TradingRun(mode, row.run_client_code, row.started_at, bool(row.is_clean))
