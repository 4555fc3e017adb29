"""The invariants of the order protocol, each provable by one query.

Every query returns one text a row that breaks its rule; all of them look at one snapshot.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.literals import literals
from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.operations.invariant import Invariant
from angel_x.domain.orders.denial import MoveReason
from angel_x.domain.orders.order import CLOSED, PLACED, OrderStatus, Side

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_CLOSED, _PLACED = literals(CLOSED), literals(PLACED)


class Rule(NamedTuple):
    """An invariant, and the query that returns one text for each row that breaks it."""

    name: str
    rule: str
    query: str


#: Reasons of further events of an order that stays received.
_AGAIN = f"'{MoveReason.AMENDED}', '{MoveReason.AWAITS_OPENING}'"

RULES = (
    Rule(
        "orders end in time",
        "every accepted order reaches a closed status within its validity",
        f"SELECT id::text FROM orders WHERE status NOT IN {_CLOSED} "
        "AND valid_until + interval '5 minutes' < %(now)s",
    ),
    Rule(
        "one story each",
        "every order was received once and stands where its last event says, as far back as events are kept",
        f"""
        WITH kept AS (
            SELECT coalesce(max(dropped_before::timestamp AT TIME ZONE 'UTC'), '-infinity') AS since
            FROM retention_horizons WHERE table_name = 'order_events')
        SELECT o.id::text FROM orders o JOIN (
            SELECT order_id,
                count(*) FILTER (
                    WHERE status = '{OrderStatus.RECEIVED}'
                        AND coalesce(reason, '') NOT IN ({_AGAIN})) AS received,
                (array_agg(status ORDER BY id DESC))[1] AS last
            FROM order_events GROUP BY order_id
        ) e ON e.order_id = o.id
        WHERE e.received <> 1 AND o.accepted_at >= (SELECT since FROM kept) OR e.last <> o.status
        UNION ALL
        SELECT o.id::text FROM orders o
        WHERE o.accepted_at >= (SELECT since FROM kept) AND NOT EXISTS (SELECT 1 FROM order_events e WHERE e.order_id = o.id)
        """,
    ),
    Rule(
        "one outcome",
        "no order has two outcomes",
        f"SELECT order_id::text FROM order_events WHERE status IN {_CLOSED} "
        "GROUP BY order_id HAVING count(*) > 1",
    ),
    Rule(
        "fills add up",
        "filled quantity and traded value = sums over fills, filled ≤ quantity",
        """
        SELECT o.id::text FROM orders o LEFT JOIN (
            SELECT order_id, sum(quantity) AS quantity, sum(price * quantity) AS value
            FROM fills GROUP BY order_id
        ) f ON f.order_id = o.id
        WHERE o.slices = 0 AND (o.filled_quantity <> coalesce(f.quantity, 0)
                OR o.traded_value <> coalesce(f.value, 0))
            OR o.filled_quantity > o.quantity OR o.slices > 0 AND f.order_id IS NOT NULL
        """,
    ),
    Rule(
        "slices add up",
        "a sliced order is what its slices are: quantity, what has traded, and whether it is open",
        """
        SELECT o.id::text FROM orders o LEFT JOIN (
            SELECT parent_id, count(*) AS slices, sum(quantity) AS quantity,
                sum(filled_quantity) AS filled, sum(traded_value) AS value,
                bool_or(closed_at IS NULL) AS is_open
            FROM orders WHERE parent_id IS NOT NULL GROUP BY parent_id
        ) s ON s.parent_id = o.id
        WHERE o.slices <> coalesce(s.slices, 0) OR s.slices > 0 AND (
            o.quantity <> s.quantity OR o.filled_quantity <> s.filled
            OR o.traded_value <> s.value OR (o.closed_at IS NULL) <> s.is_open)
        """,
    ),
    Rule(
        "one fill per execution",
        "one fill per broker execution id",
        "SELECT execution_id FROM fills GROUP BY execution_id HAVING count(*) > 1",
    ),
    Rule(
        "records have orders",
        "every event and every fill is of a stored order, a fill of its account, contract and side",
        """
        SELECT 'event of ' || e.order_id FROM order_events e
        WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = e.order_id)
        UNION ALL
        SELECT 'fill ' || f.execution_id FROM fills f LEFT JOIN orders o ON o.id = f.order_id
        WHERE (o.user_id, o.symbol, o.side) IS DISTINCT FROM (f.user_id, f.symbol, f.side)
        """,
    ),
    Rule(
        "positions fold fills",
        "position of each product = fold of openings and fills less what is settled, and what is held of a contract = both",
        f"""
        SELECT user_id || ' ' || symbol || ' ' || product FROM (
            SELECT user_id, symbol, product, sum(net) AS net FROM (
                SELECT f.user_id, f.symbol, o.product,
                    CASE f.side WHEN '{Side.BUY}' THEN f.quantity ELSE -f.quantity END AS net
                FROM fills f JOIN orders o ON o.id = f.order_id
                UNION ALL
                SELECT user_id, symbol, product, -quantity FROM settlements
                UNION ALL
                SELECT user_id, symbol, product, quantity FROM openings
            ) moves GROUP BY 1, 2, 3
        ) f
        FULL JOIN (
            SELECT user_id, symbol, product, sum(quantity) AS net FROM positions GROUP BY 1, 2, 3
        ) p USING (user_id, symbol, product)
        WHERE coalesce(f.net, 0) <> coalesce(p.net, 0)
        UNION ALL
        SELECT user_id || ' ' || symbol FROM (
            SELECT user_id, symbol, sum(quantity) AS net FROM positions GROUP BY user_id, symbol
        ) p
        FULL JOIN exposures e USING (user_id, symbol)
        WHERE coalesce(p.net, 0) <> coalesce(e.net_quantity, 0)
        """,
    ),
    Rule(
        "cash folds ledger",
        "cash, P&L and cost of positions = fold of ledger",
        f"""
        SELECT u.id::text FROM users u LEFT JOIN (
            SELECT user_id, sum(amount) FILTER (WHERE account = '{LedgerAccount.CASH}') AS cash,
                -sum(amount) FILTER (WHERE account = '{LedgerAccount.PNL}') AS pnl,
                sum(amount) FILTER (WHERE account = '{LedgerAccount.POSITION}') AS cost
            FROM ledger_entries GROUP BY user_id
        ) l ON l.user_id = u.id LEFT JOIN (
            SELECT user_id, sum(cost) AS cost FROM positions GROUP BY user_id
        ) p ON p.user_id = u.id
        WHERE u.cash <> coalesce(l.cash, 0) OR u.realised_pnl <> coalesce(l.pnl, 0)
            OR coalesce(p.cost, 0) <> coalesce(l.cost, 0)
        """,
    ),
    Rule(
        "ledger balances",
        "ledger sums to zero",
        "SELECT user_id || ' ' || coalesce(order_id::text, 'deposits') FROM ledger_entries "
        "GROUP BY user_id, order_id HAVING sum(amount) <> 0",
    ),
    Rule(
        "trades earn the P&L",
        "realised P&L = sum of closed round trips",
        """
        SELECT u.id::text FROM users u LEFT JOIN (
            SELECT user_id, sum(realised_pnl) AS pnl FROM trades GROUP BY user_id
        ) t ON t.user_id = u.id WHERE u.realised_pnl <> coalesce(t.pnl, 0)
        """,
    ),
    Rule(
        "margin is backed",
        "margin used ≤ cash + collateral + debit, and = what underlyings and resting orders hold; only what is "
        "short or offered holds any",
        """
        SELECT u.id::text FROM users u LEFT JOIN (
            SELECT user_id, sum(margin) AS held FROM margins GROUP BY user_id
        ) e ON e.user_id = u.id LEFT JOIN (
            SELECT user_id, sum(reserved) AS held FROM orders GROUP BY user_id
        ) o ON o.user_id = u.id
        WHERE u.margin_used > u.cash + u.collateral + u.debit
            OR u.margin_used <> coalesce(e.held, 0) + coalesce(o.held, 0)
        UNION ALL
        SELECT m.user_id || ' ' || m.underlying FROM margins m WHERE m.margin > 0 AND NOT EXISTS (
            SELECT FROM exposures e WHERE e.user_id = m.user_id
                AND split_part(e.symbol, '_', 1) = m.underlying
                AND e.open_sell_quantity > e.net_quantity)
        """,
    ),
    Rule(
        "offers match orders",
        "units offered and bid for = leaves of the orders in the market or on their way there",
        f"""
        SELECT user_id || ' ' || symbol FROM exposures e FULL JOIN (
            SELECT user_id, symbol,
                coalesce(sum(quantity - filled_quantity) FILTER (WHERE side = '{Side.BUY}'), 0) AS bought,
                coalesce(sum(quantity - filled_quantity) FILTER (WHERE side = '{Side.SELL}'), 0) AS sold
            FROM orders WHERE slices = 0 AND status IN {_PLACED} GROUP BY user_id, symbol
        ) o USING (user_id, symbol)
        WHERE coalesce(e.open_sell_quantity, 0) <> coalesce(o.sold, 0)
            OR coalesce(e.open_buy_quantity, 0) <> coalesce(o.bought, 0)
        """,
    ),
    Rule(
        "open orders are counted",
        "open orders of an account = its orders in the market or on their way there",
        f"""
        SELECT u.id::text FROM users u LEFT JOIN (
            SELECT user_id, count(*) AS placed FROM orders
            WHERE slices = 0 AND status IN {_PLACED} GROUP BY user_id
        ) o ON o.user_id = u.id WHERE u.open_orders <> coalesce(o.placed, 0)
        """,
    ),
)


class Invariants:
    """Checks the whole database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def check(self, market_now: datetime) -> list[Invariant]:
        """Return every invariant with the rows that break it, all from one snapshot."""
        snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ")
        with snapshot.connect() as connection:
            return [_checked(connection, rule, market_now) for rule in RULES]


def _checked(connection: Connection, rule: Rule, market_now: datetime) -> Invariant:
    rows = connection.exec_driver_sql(rule.query, {"now": market_now}).scalars().all()
    return Invariant(rule.name, rule.rule, len(rows), str(rows[0]) if rows else None)
