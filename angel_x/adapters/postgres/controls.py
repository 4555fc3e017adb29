"""Trading states, every change of them in the audit, and the open orders that they forbid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.book_unit import CONTROLS_LOCK
from angel_x.domain.book.control import Control, ControlScope
from angel_x.domain.book.risk import TradingState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import Engine

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
_ANY = "SELECT EXISTS (SELECT FROM trading_controls WHERE state <> 'active')"
# An order stands against a position if that covers all of its units beside what rests on its side:
# the same rule by which the decision of new orders goes.  What waits to be decided under reducing
# is left to that.  Orders of a square-off lead out of the market and are its own to cancel.
_FORBIDDEN = """
WITH o AS MATERIALIZED (
    -- On its own, or the few open orders are looked for among all that there ever were, by id.
    SELECT id, user_id, symbol, side, status, client_order_id FROM orders
    WHERE status IN ('received', 'submitting', 'working', 'trigger_pending', 'partially_filled')
        AND slices = 0
)
SELECT o.id FROM o
JOIN contracts c ON c.symbol = o.symbol
LEFT JOIN exposures e ON e.user_id = o.user_id AND e.symbol = o.symbol
CROSS JOIN LATERAL (
    SELECT bool_or(t.state = 'halted') AS halted FROM trading_controls t
    WHERE t.state <> 'active' AND (t.scope = 'system'
        OR (t.scope = 'user' AND t.name = o.user_id::text)
        OR (t.scope = 'underlying' AND t.name = c.underlying))
) AS control
WHERE o.client_order_id NOT LIKE 'square-off %%' AND (
        control.halted
        OR (NOT control.halted AND o.status <> 'received' AND 0 > CASE o.side
            WHEN 'SELL' THEN coalesce(e.net_quantity - e.open_sell_quantity, 0)
            ELSE coalesce(-e.net_quantity - e.open_buy_quantity, 0) END))
ORDER BY o.id LIMIT %(limit)s
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

    def forbidden(self, limit: int) -> list[int]:
        """Return open orders that a state does not let stand, oldest first."""
        with self._engine.connect() as connection:
            if not connection.exec_driver_sql(_ANY).scalar_one():
                return []
            return list(connection.exec_driver_sql(_FORBIDDEN, {"limit": limit}).scalars())

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
