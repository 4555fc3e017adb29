"""Finding orders that repeat a recent order of their account."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.literals import literals
from angel_x.domain.orders.order_types import LIMITED

if TYPE_CHECKING:
    from sqlalchemy import Connection

# A slice has the content of its parent order, and the legs of one basket may repeat each other.  An order at
# market carries a protection limit once it is decided, which is none of its content.
#
# The subquery walks an account's orders from the newest back and stops at the first that is older
# than the window, so the cost is that of the window and not of the account.  Ids are given out a
# moment before the time is taken, hence the second that it walks on.
_FIND = f"""
WITH given AS (
    SELECT g.order_id, t.id, t.user_id, t.symbol, t.side, t.quantity, t.order_type, t.limit_price,
        t.trigger_price, t.basket_id,
        t.accepted_at - make_interval(secs => g.seconds::float8) AS since
    FROM unnest(%(order_ids)s::bigint[], %(seconds)s::numeric[]) AS g (order_id, seconds)
    JOIN orders o ON o.id = g.order_id
    JOIN orders t ON t.id = COALESCE(o.parent_id, o.id)
), accounts AS MATERIALIZED (
    SELECT a.user_id, a.newest, COALESCE((
        SELECT id FROM orders
        WHERE user_id = a.user_id AND id < a.newest
            AND accepted_at < a.since - interval '1 second'
        ORDER BY user_id, id DESC LIMIT 1), 0) AS oldest
    FROM (SELECT user_id, max(id) AS newest, min(since) AS since FROM given GROUP BY user_id) a
), recent AS MATERIALIZED (
    SELECT e.* FROM accounts a CROSS JOIN LATERAL (
        SELECT id, user_id, symbol, side, quantity, order_type, limit_price, trigger_price,
            basket_id, accepted_at
        FROM orders
        WHERE user_id = a.user_id AND parent_id IS NULL AND id BETWEEN a.oldest AND a.newest
    ) e
)
SELECT g.order_id FROM given g WHERE EXISTS (
    SELECT FROM recent e
    WHERE (e.user_id, e.symbol, e.side, e.quantity, e.order_type)
            = (g.user_id, g.symbol, g.side, g.quantity, g.order_type)
        AND e.id < g.id AND e.accepted_at >= g.since
        AND (g.order_type NOT IN {literals(LIMITED)} OR e.limit_price = g.limit_price)
        AND e.trigger_price IS NOT DISTINCT FROM g.trigger_price
        AND (e.basket_id IS NULL OR e.basket_id IS DISTINCT FROM g.basket_id))
"""


def find_duplicates(connection: Connection, windows: Mapping[int, Decimal]) -> set[int]:
    """Return the orders that repeat an accepted one; ``windows`` are seconds by order id.

    The outcome of the earlier order does not matter, so the result does not depend on the batches; a
    client that repeats an order without a pause is denied until it pauses.
    """
    if not windows:
        return set()
    parameters = {"order_ids": array(windows), "seconds": array(windows.values())}
    return set(connection.exec_driver_sql(_FIND, parameters).scalars())
