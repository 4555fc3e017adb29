"""Trading states, every change of them in the audit, and the open orders that they concern."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.book_unit import CONTROLS_LOCK
from angel_x.adapters.postgres.literals import literals
from angel_x.domain.book.account import Exposure
from angel_x.domain.book.control import Control, ControlledOrder, ControlScope
from angel_x.domain.book.risk import TradingRules, TradingState
from angel_x.domain.orders.order import EXIT_PREFIX, OPEN, OrderStatus, Priority, Side

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import Engine, Row

_COLUMNS = "scope, name, state, actor, reason, changed_at"
_ALL = f"SELECT {_COLUMNS} FROM trading_controls ORDER BY scope = 'system' DESC, scope DESC, name"
# Writers go one after the other, so that the state an audit entry calls the former one was it.
# Claims, which only read, are not held up.
_LOCK = "LOCK TABLE trading_controls IN SHARE ROW EXCLUSIVE MODE"
_SET = f"""
WITH before AS (
    SELECT state FROM trading_controls WHERE scope = %(scope)s AND name = %(name)s
), audited AS (
    INSERT INTO audit_entries (actor, action, subject, detail)
    SELECT %(actor)s, 'trading_state.set', %(subject)s, jsonb_build_object(
        'state', %(state)s::text, 'before', coalesce((SELECT state FROM before), 'active'),
        'reason', %(reason)s::text)
)
INSERT INTO trading_controls (scope, name, state, actor, reason)
VALUES (%(scope)s, %(name)s, %(state)s, %(actor)s, %(reason)s)
ON CONFLICT (scope, name) DO UPDATE SET state = excluded.state, actor = excluded.actor,
    reason = excluded.reason, changed_at = clock_timestamp()
RETURNING {_COLUMNS}
"""
_IN_FORCE = "SELECT scope, name, state FROM trading_controls WHERE state <> 'active'"
# Only narrows: whether an order may stand is decided by the domain.
_CONTROLLED = f"""
WITH o AS MATERIALIZED (
    -- On its own, or the few open orders are looked for among all that there ever were, by id.
    SELECT id, user_id, symbol, side, quantity - filled_quantity AS leaves_quantity, priority,
        status, client_order_id
    FROM orders WHERE status IN {literals(OPEN)} AND slices = 0
        AND (%(before)s::bigint IS NULL OR id < %(before)s)
)
SELECT o.*, c.underlying, e.net_quantity, e.open_buy_quantity, e.open_sell_quantity FROM o
JOIN contracts c ON c.symbol = o.symbol
LEFT JOIN exposures e ON e.user_id = o.user_id AND e.symbol = o.symbol
WHERE EXISTS (
    SELECT FROM trading_controls t WHERE t.state <> 'active' AND (t.scope = 'system'
        OR (t.scope = 'user' AND t.name = o.user_id::text)
        OR (t.scope = 'underlying' AND t.name = c.underlying)))
ORDER BY o.id DESC LIMIT %(limit)s
"""
_STATES = """
SELECT scope, max(CASE state WHEN 'halted' THEN 2 WHEN 'reducing' THEN 1 ELSE 0 END)
FROM trading_controls GROUP BY scope
"""


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
            return _control(connection.exec_driver_sql(_SET, parameters).one())

    def all(self) -> list[Control]:
        """Return every state that was ever set, the system's first."""
        with self._engine.connect() as connection:
            return [_control(row) for row in connection.exec_driver_sql(_ALL)]

    def settle(self, seconds: float) -> bool:
        """Wait until no transaction is open that may have read older states; False if one still is."""
        try:
            with self._engine.begin() as connection:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(seconds * 1000)}")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({CONTROLS_LOCK})")
        except OperationalError as error:
            if isinstance(error.orig, LockNotAvailable):
                return False
            raise
        return True

    def controlled(self, before: int | None, limit: int) -> list[ControlledOrder]:
        """Return open orders that a state concerns, below an id if one is given, newest first."""
        with self._engine.connect() as connection:
            in_force = connection.exec_driver_sql(_IN_FORCE).fetchall()
            if not in_force:
                return []
            rules = TradingRules.from_rows([tuple(row) for row in in_force], ())
            parameters = {"before": before, "limit": limit}
            rows = connection.exec_driver_sql(_CONTROLLED, parameters)
            return [_controlled(row, rules) for row in rows]

    def strictest(self) -> dict[str, float]:
        """Return 0 for active, 1 for reducing, 2 for halted: the strictest state of each scope."""
        with self._engine.connect() as connection:
            found = {scope: float(rank) for scope, rank in connection.exec_driver_sql(_STATES)}
        return {scope.value: found.get(scope.value, 0.0) for scope in ControlScope}


def _control(row: Sequence[Any]) -> Control:
    scope, name, state, actor, reason, changed_at = row
    return Control(
        scope=ControlScope(scope),
        name=name,
        state=TradingState(state),
        actor=actor,
        reason=reason,
        changed_at=changed_at,
    )


def _controlled(row: Row[Any], rules: TradingRules) -> ControlledOrder:
    exposure = Exposure(
        row.user_id,
        row.symbol,
        row.net_quantity or 0,
        row.open_buy_quantity or 0,
        row.open_sell_quantity or 0,
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
