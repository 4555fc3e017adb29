"""Trading states, every change of them in the audit, and the open orders that they concern."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from psycopg2.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.book_unit import CONTROLS_LOCK
from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.rows import named, read
from angel_x.adapters.postgres.silent_sessions import (
    SILENT_SECONDS,
    end_silent_readers_of_controls,
)
from angel_x.domain.book.account import Exposure
from angel_x.domain.book.control import Control, ControlledOrder, ControlScope
from angel_x.domain.book.risk import TradingRules, TradingState
from angel_x.domain.orders.order import EXIT_PREFIX, OPEN, OrderStatus, Priority, Side

if TYPE_CHECKING:
    from sqlalchemy import Engine

_COLUMNS = "scope, name, state, actor, reason, changed_at"
_ALL = f"SELECT {_COLUMNS} FROM trading_controls ORDER BY scope = '{ControlScope.SYSTEM}' DESC, scope DESC, name"
#: Seconds; a time limit of zero would be none.
_MOMENT = 0.05
# Writers go one after the other, so that the state an audit entry calls the former one was it.
# Claims, which only read, are not held up.
_LOCK = "LOCK TABLE trading_controls IN SHARE ROW EXCLUSIVE MODE"
_SET = f"""
WITH before AS (
    SELECT state FROM trading_controls WHERE scope = %(scope)s AND name = %(name)s
), audited AS (
    INSERT INTO audit_entries (actor, action, subject, detail)
    SELECT %(actor)s, 'trading_state.set', %(subject)s, jsonb_build_object(
        'state', %(state)s::text, 'before', coalesce((SELECT state FROM before), '{TradingState.ACTIVE}'),
        'reason', %(reason)s::text)
)
INSERT INTO trading_controls (scope, name, state, actor, reason)
VALUES (%(scope)s, %(name)s, %(state)s, %(actor)s, %(reason)s)
ON CONFLICT (scope, name) DO UPDATE SET state = excluded.state, actor = excluded.actor,
    reason = excluded.reason, changed_at = clock_timestamp()
RETURNING {_COLUMNS}
"""
_IN_FORCE = (
    f"SELECT scope, name, state FROM trading_controls WHERE state <> '{TradingState.ACTIVE}'"
)
# A prefilter: the domain decides whether an order is allowed.
_CONTROLLED_IDS = f"""
WITH o AS MATERIALIZED (
    -- On its own, or the few open orders are looked for among all that there ever were, by id.
    SELECT id, user_id, symbol FROM orders WHERE status IN {literals(OPEN)} AND slices = 0
)
SELECT o.id FROM o JOIN contracts c ON c.symbol = o.symbol
WHERE EXISTS (
    SELECT FROM trading_controls t WHERE t.state <> '{TradingState.ACTIVE}' AND (t.scope = '{ControlScope.SYSTEM}'
        OR (t.scope = '{ControlScope.USER}' AND t.name = o.user_id::text)
        OR (t.scope = '{ControlScope.UNDERLYING}' AND t.name = c.underlying)))
ORDER BY o.id DESC
"""
_CONTROLLED = f"""
SELECT o.id, o.user_id, o.symbol, o.side, o.quantity - o.filled_quantity AS leaves_quantity, o.priority,
    o.status, o.client_order_id, c.underlying, coalesce(e.net_quantity, 0) AS net_quantity,
    coalesce(e.open_buy_quantity, 0) AS open_buy_quantity,
    coalesce(e.open_sell_quantity, 0) AS open_sell_quantity
FROM orders o
JOIN contracts c ON c.symbol = o.symbol
LEFT JOIN exposures e ON e.user_id = o.user_id AND e.symbol = o.symbol
WHERE o.id = ANY(%(order_ids)s::bigint[]) AND o.status IN {literals(OPEN)}
ORDER BY o.id DESC
"""
_STATES = f"""
SELECT scope, max(CASE state WHEN '{TradingState.HALTED}' THEN 2
    WHEN '{TradingState.REDUCING}' THEN 1 ELSE 0 END)::float8 AS rank
FROM trading_controls GROUP BY scope
"""


class _ControlRow(NamedTuple):
    """``_COLUMNS``."""

    scope: str
    name: str
    state: str
    actor: str
    reason: str | None
    changed_at: datetime


class _StateRow(NamedTuple):
    scope: str
    name: str
    state: str


class _ControlledRow(NamedTuple):
    """An open order with the exposure of its account in the contract."""

    id: int
    user_id: int
    symbol: str
    side: str
    leaves_quantity: int
    priority: str
    status: str
    client_order_id: str
    underlying: str
    net_quantity: int
    open_buy_quantity: int
    open_sell_quantity: int


class _RankRow(NamedTuple):
    scope: str
    rank: float


class PostgresControls:
    """The table ``trading_controls``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(
        self, scope: ControlScope, name: str, state: TradingState, *, actor: str, reason: str | None
    ) -> Control:
        """Store a state and its audit entry in one transaction; each later claim reads it."""
        parameters = {
            "scope": scope.value,
            "name": name,
            "state": state.value,
            "actor": actor,
            "reason": reason,
            "subject": f"{scope}:{name}" if name else scope.value,
        }
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_LOCK)
            [row] = named(connection.exec_driver_sql(_SET, parameters), _ControlRow)
        return _control(row)

    def all(self) -> list[Control]:
        """Return every state that was ever set, the system's first."""
        return [_control(row) for row in read(self._engine, _ALL, _ControlRow)]

    def settle(self, seconds: float) -> bool:
        until = monotonic() + seconds
        while not self._is_settled(min(SILENT_SECONDS, max(_MOMENT, until - monotonic()))):
            with self._engine.begin() as connection:
                ended = end_silent_readers_of_controls(connection)
            # The lock of one that was ended is free in a moment.
            if monotonic() >= until and not ended:
                return False
        return True

    def _is_settled(self, seconds: float) -> bool:
        try:
            with self._engine.begin() as connection:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(seconds * 1000)}")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({CONTROLS_LOCK})")
        except OperationalError as error:
            if isinstance(error.orig, LockNotAvailable):
                return False
            raise
        return True

    def controlled_ids(self) -> list[int]:
        """Return the open orders that a state concerns, newest first."""
        with self._engine.connect() as connection:
            if not connection.exec_driver_sql(_IN_FORCE).first():
                return []
            return list(connection.exec_driver_sql(_CONTROLLED_IDS).scalars())

    def controlled(self, order_ids: Sequence[int]) -> list[ControlledOrder]:
        """Return those of these orders that are open, newest first; none while no state is in force."""
        with self._engine.connect() as connection:
            in_force = named(connection.exec_driver_sql(_IN_FORCE), _StateRow)
            if not in_force:
                return []
            rules = TradingRules.from_rows(in_force, ())
            parameters = {"order_ids": array(order_ids)}
            rows = named(connection.exec_driver_sql(_CONTROLLED, parameters), _ControlledRow)
        return [_controlled(row, rules) for row in rows]

    def strictest(self) -> dict[str, float]:
        """Return 0 for active, 1 for reducing, 2 for halted: the strictest state of each scope."""
        found = {row.scope: row.rank for row in read(self._engine, _STATES, _RankRow)}
        return {scope.value: found.get(scope.value, 0.0) for scope in ControlScope}


def _control(row: _ControlRow) -> Control:
    return Control(
        scope=ControlScope(row.scope),
        name=row.name,
        state=TradingState(row.state),
        actor=row.actor,
        reason=row.reason,
        changed_at=row.changed_at,
    )


def _controlled(row: _ControlledRow, rules: TradingRules) -> ControlledOrder:
    exposure = Exposure(
        row.user_id,
        row.symbol,
        row.net_quantity,
        row.open_buy_quantity,
        row.open_sell_quantity,
    )
    return ControlledOrder(
        id=row.id,
        side=Side(row.side),
        leaves_quantity=row.leaves_quantity,
        priority=Priority(row.priority),
        status=OrderStatus(row.status),
        is_exit=row.client_order_id.startswith(EXIT_PREFIX),
        state=rules.state(row.user_id, row.underlying),
        exposure=exposure,
    )
