"""Parent orders, which follow their slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.prepared import Statement, execute
from angel_x.domain.book.moves import ParentOrder
from angel_x.domain.orders.order import CLOSED, REFUSED, OrderStatus

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

# The state of a parent order follows its slices, whose changes are visible to this later statement.
PARENTS = Statement(
    "parents",
    f"""
WITH folded AS (
    SELECT parent_id AS id, sum(filled_quantity) AS filled, sum(traded_value) AS traded,
        bool_and(status = '{OrderStatus.RECEIVED}') AS untouched,
        bool_or(closed_at IS NULL) AS is_open,
        bool_or(status = '{OrderStatus.EXPIRED}') AS expired,
        bool_and(status IN {literals(REFUSED)}) AS refused,
        (array_agg(reason ORDER BY (status = '{OrderStatus.EXPIRED}') DESC, id)
            FILTER (WHERE reason IS NOT NULL))[1] AS reason,
        (array_agg(limit_price ORDER BY id) FILTER (WHERE closed_at IS NULL))[1] AS limit_price,
        (array_agg(trigger_price ORDER BY id) FILTER (WHERE closed_at IS NULL))[1] AS trigger_price
    FROM orders WHERE parent_id = ANY(%(parents)s::bigint[]) GROUP BY parent_id
), standing AS (
    SELECT f.id, f.filled, f.traded, f.reason,
        coalesce(f.limit_price, p.limit_price) AS limit_price,
        coalesce(f.trigger_price, p.trigger_price) AS trigger_price,
        CASE
        WHEN f.untouched THEN '{OrderStatus.RECEIVED}'
        WHEN f.filled = p.quantity THEN '{OrderStatus.FILLED}'
        WHEN f.is_open AND f.filled > 0 THEN '{OrderStatus.PARTIALLY_FILLED}'
        WHEN f.is_open THEN '{OrderStatus.WORKING}'
        WHEN f.expired THEN '{OrderStatus.EXPIRED}'
        WHEN p.status = '{OrderStatus.RECEIVED}' AND f.filled = 0 AND f.refused THEN '{OrderStatus.DENIED}'
        ELSE '{OrderStatus.CANCELED}' END AS status
    FROM folded f JOIN orders p ON p.id = f.id
), parents_moved AS (
    UPDATE orders p SET status = s.status, reason = s.reason, filled_quantity = s.filled,
        traded_value = s.traded, average_price = round(s.traded / nullif(s.filled, 0), 4),
        limit_price = s.limit_price, trigger_price = s.trigger_price,
        updated_at = clock_timestamp(),
        closed_at = CASE WHEN s.status IN {literals(CLOSED)}
            THEN clock_timestamp() END
    FROM standing s
    WHERE s.id = p.id AND (p.status, p.filled_quantity, p.limit_price, p.trigger_price)
        IS DISTINCT FROM (s.status, s.filled::integer, s.limit_price, s.trigger_price)
    RETURNING p.user_id, p.id AS order_id, p.client_order_id, p.symbol, p.side, p.status, p.reason, p.quantity,
        p.filled_quantity, p.average_price
), told AS (
    INSERT INTO order_events (order_id, status, actor, reason)
    SELECT order_id, status, %(actor)s::text, reason FROM parents_moved
)
SELECT * FROM parents_moved
""",
)


def move_parents(
    connection: Connection, order_ids: Collection[int], actor: str
) -> list[ParentOrder]:
    """Give parent orders the state of their slices; return those that moved."""
    if not order_ids:
        return []
    parameters = {"parents": array(sorted(order_ids)), "actor": actor}
    return [ParentOrder(**row) for row in execute(connection, parameters, PARENTS).mappings()]
