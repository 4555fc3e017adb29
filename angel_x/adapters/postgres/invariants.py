"""The invariants of the order protocol, each provable by one query.

Every query returns one text a row that breaks its rule.  It looks at a slice, of orders or of accounts,
and every row of the database belongs to one slice of each: all slices together are the whole proof.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.literals import literals
from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.contracts.contract import FUTURE
from angel_x.domain.operations.invariant import Invariant
from angel_x.domain.orders.denial import MoveReason
from angel_x.domain.orders.order import CLOSED, PLACED, OrderStatus, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

_CLOSED, _PLACED = literals(CLOSED), literals(PLACED)


class ProofSubject(StrEnum):
    """The rows by which a rule is proved."""

    ORDERS = "orders"
    ACCOUNTS = "accounts"


class InvariantRule(NamedTuple):
    """An invariant, and the query that returns one text for each row that breaks it.

    ``{of}`` in the query limits ids of its subject to the slice.
    """

    name: str
    subject: ProofSubject
    rule: str
    query: str


class ProofSlice(NamedTuple):
    """A condition on ids, with its parameters."""

    condition: str
    parameters: dict[str, object]


def between(first: int, last: int | None = None) -> ProofSlice:
    """Return the slice of the ids from ``first`` to ``last``, both in it; None for all above."""
    bounds: dict[str, object] = {"first": first, "last": _LAST_ID if last is None else last}
    return ProofSlice("BETWEEN %(first)s AND %(last)s", bounds)


def among(ids: Sequence[int]) -> ProofSlice:
    """Return the slice of these ids."""
    return ProofSlice("= ANY(%(ids)s::bigint[])", {"ids": array(ids)})


_LAST_ID = 2**63 - 1
#: The whole database.
WHOLE = between(0)


#: Of the contract of a row: nothing is paid for a future, and it is margined on either side.
_IS_FUTURE = f"right(symbol, {len(FUTURE) + 1}) = '_{FUTURE}'"
#: Reasons of further events of an order that stays received.
_AGAIN = f"'{MoveReason.AMENDED}', '{MoveReason.AWAITS_OPENING}'"

RULES = (
    InvariantRule(
        "orders end in time",
        ProofSubject.ORDERS,
        "every accepted order reaches a closed status within its validity",
        f"SELECT id::text FROM orders WHERE id {{of}} AND status NOT IN {_CLOSED} "
        "AND valid_until + interval '5 minutes' < %(now)s",
    ),
    InvariantRule(
        "one story each",
        ProofSubject.ORDERS,
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
            FROM order_events WHERE order_id {{of}} GROUP BY order_id
        ) e ON e.order_id = o.id
        WHERE e.received <> 1 AND o.accepted_at >= (SELECT since FROM kept) OR e.last <> o.status
        UNION ALL
        SELECT o.id::text FROM orders o
        WHERE o.id {{of}} AND o.accepted_at >= (SELECT since FROM kept) AND NOT EXISTS (SELECT 1 FROM order_events e WHERE e.order_id = o.id)
        """,
    ),
    InvariantRule(
        "one outcome",
        ProofSubject.ORDERS,
        "no order has two outcomes",
        f"SELECT order_id::text FROM order_events WHERE order_id {{of}} AND status IN {_CLOSED} "
        "GROUP BY order_id HAVING count(*) > 1",
    ),
    InvariantRule(
        "fills add up",
        ProofSubject.ORDERS,
        "filled quantity and traded value = sums over fills, filled ≤ quantity",
        """
        SELECT o.id::text FROM orders o LEFT JOIN (
            SELECT order_id, sum(quantity) AS quantity, sum(price * quantity) AS value
            FROM fills WHERE order_id {of} GROUP BY order_id
        ) f ON f.order_id = o.id
        WHERE o.id {of} AND (o.slices = 0 AND (o.filled_quantity <> coalesce(f.quantity, 0)
                OR o.traded_value <> coalesce(f.value, 0))
            OR o.filled_quantity > o.quantity OR o.slices > 0 AND f.order_id IS NOT NULL)
        """,
    ),
    InvariantRule(
        "slices add up",
        ProofSubject.ORDERS,
        "a sliced order is what its slices are: quantity, what has traded, and whether it is open",
        """
        SELECT o.id::text FROM orders o LEFT JOIN (
            SELECT parent_id, count(*) AS slices, sum(quantity) AS quantity,
                sum(filled_quantity) AS filled, sum(traded_value) AS value,
                bool_or(closed_at IS NULL) AS is_open
            FROM orders WHERE parent_id IS NOT NULL AND parent_id {of} GROUP BY parent_id
        ) s ON s.parent_id = o.id
        WHERE o.id {of} AND (o.slices <> coalesce(s.slices, 0) OR s.slices > 0 AND (
            o.quantity <> s.quantity OR o.filled_quantity <> s.filled
            OR o.traded_value <> s.value OR (o.closed_at IS NULL) <> s.is_open))
        """,
    ),
    InvariantRule(
        "one fill per execution",
        ProofSubject.ORDERS,
        "one fill per broker execution id",
        "SELECT DISTINCT f.execution_id FROM fills f JOIN fills other ON other.execution_id = f.execution_id "
        "AND other.id <> f.id WHERE f.order_id {of}",
    ),
    InvariantRule(
        "records have orders",
        ProofSubject.ORDERS,
        "every event and every fill is of a stored order, a fill of its account, contract and side",
        """
        SELECT 'event of ' || e.order_id FROM order_events e
        WHERE e.order_id {of} AND NOT EXISTS (SELECT FROM orders o WHERE o.id = e.order_id)
        UNION ALL
        SELECT 'fill ' || f.execution_id FROM fills f LEFT JOIN orders o ON o.id = f.order_id
        WHERE f.order_id {of} AND (o.user_id, o.symbol, o.side) IS DISTINCT FROM (f.user_id, f.symbol, f.side)
        """,
    ),
    InvariantRule(
        "positions fold fills",
        ProofSubject.ACCOUNTS,
        "position of each product = fold of openings and fills less what is settled, and what is held of a contract = both",
        f"""
        SELECT user_id || ' ' || symbol || ' ' || product FROM (
            SELECT user_id, symbol, product, sum(net) AS net FROM (
                SELECT f.user_id, f.symbol, o.product,
                    CASE f.side WHEN '{Side.BUY}' THEN f.quantity ELSE -f.quantity END AS net
                FROM fills f JOIN orders o ON o.id = f.order_id WHERE f.user_id {{of}}
                UNION ALL
                SELECT user_id, symbol, product, -quantity FROM settlements WHERE user_id {{of}}
                UNION ALL
                SELECT user_id, symbol, product, quantity FROM openings WHERE user_id {{of}}
            ) moves GROUP BY 1, 2, 3
        ) f
        FULL JOIN (
            SELECT user_id, symbol, product, sum(quantity) AS net FROM positions
            WHERE user_id {{of}} AND status = 'OPEN' GROUP BY 1, 2, 3
        ) p USING (user_id, symbol, product)
        WHERE coalesce(f.net, 0) <> coalesce(p.net, 0)
        UNION ALL
        SELECT user_id || ' ' || symbol FROM (
            SELECT user_id, symbol, sum(quantity) AS net FROM positions
            WHERE user_id {{of}} AND status = 'OPEN' GROUP BY user_id, symbol
        ) p
        FULL JOIN (SELECT * FROM exposures WHERE user_id {{of}}) e USING (user_id, symbol)
        WHERE coalesce(p.net, 0) <> coalesce(e.net_quantity, 0)
        """,
    ),
    InvariantRule(
        "cash folds ledger",
        ProofSubject.ACCOUNTS,
        "cash, P&L and cost of options = fold of ledger",
        f"""
        SELECT u.id::text FROM users u LEFT JOIN (
            SELECT user_id, sum(amount) FILTER (WHERE account = '{LedgerAccount.CASH}') AS cash,
                -sum(amount) FILTER (WHERE account = '{LedgerAccount.PNL}') AS pnl,
                sum(amount) FILTER (WHERE account = '{LedgerAccount.POSITION}') AS cost
            FROM ledger_entries WHERE user_id {{of}} GROUP BY user_id
        ) l ON l.user_id = u.id LEFT JOIN (
            SELECT user_id, sum(cost) FILTER (WHERE NOT {_IS_FUTURE}) AS cost FROM positions
            WHERE user_id {{of}} AND status = 'OPEN' GROUP BY user_id
        ) p ON p.user_id = u.id
        WHERE u.id {{of}} AND (u.cash <> coalesce(l.cash, 0) OR u.realised_pnl <> coalesce(l.pnl, 0)
            OR coalesce(p.cost, 0) <> coalesce(l.cost, 0))
        """,
    ),
    InvariantRule(
        "ledger balances",
        ProofSubject.ACCOUNTS,
        "ledger sums to zero",
        "SELECT user_id || ' ' || coalesce(order_id::text, 'deposits') FROM ledger_entries "
        "WHERE user_id {of} GROUP BY user_id, order_id HAVING sum(amount) <> 0",
    ),
    InvariantRule(
        "trades earn the P&L",
        ProofSubject.ACCOUNTS,
        "realised P&L = sum of closed round trips",
        """
        SELECT u.id::text FROM users u LEFT JOIN (
            SELECT user_id, sum(realised_pnl) AS pnl FROM trades
            WHERE user_id {of} AND status = 'CLOSED' GROUP BY user_id
        ) t ON t.user_id = u.id WHERE u.id {of} AND u.realised_pnl <> coalesce(t.pnl, 0)
        """,
    ),
    InvariantRule(
        "margin is backed",
        ProofSubject.ACCOUNTS,
        "margin used ≤ cash + collateral + debit, and = what underlyings and resting orders hold; only what is "
        "short or offered holds any, and futures",
        f"""
        SELECT u.id::text FROM users u LEFT JOIN (
            SELECT user_id, sum(margin) AS held FROM margins WHERE user_id {{of}} GROUP BY user_id
        ) e ON e.user_id = u.id LEFT JOIN (
            SELECT user_id, sum(reserved) AS held FROM orders
            WHERE user_id {{of}} AND status IN {_PLACED} GROUP BY user_id
        ) o ON o.user_id = u.id
        WHERE u.id {{of}} AND (u.margin_used > u.cash + u.collateral + u.debit
            OR u.margin_used <> coalesce(e.held, 0) + coalesce(o.held, 0))
        UNION ALL
        SELECT m.user_id || ' ' || m.underlying FROM margins m WHERE m.user_id {{of}} AND m.margin > 0 AND NOT EXISTS (
            SELECT FROM exposures e WHERE e.user_id = m.user_id
                AND split_part(e.symbol, '_', 1) = m.underlying
                AND (e.open_sell_quantity > e.net_quantity OR {_IS_FUTURE}))
        """,
    ),
    InvariantRule(
        "offers match orders",
        ProofSubject.ACCOUNTS,
        "units offered and bid for = leaves of the orders in the market or on their way there",
        f"""
        SELECT user_id || ' ' || symbol FROM (SELECT * FROM exposures WHERE user_id {{of}}) e FULL JOIN (
            SELECT user_id, symbol,
                coalesce(sum(quantity - filled_quantity) FILTER (WHERE side = '{Side.BUY}'), 0) AS bought,
                coalesce(sum(quantity - filled_quantity) FILTER (WHERE side = '{Side.SELL}'), 0) AS sold
            FROM orders WHERE user_id {{of}} AND slices = 0 AND status IN {_PLACED} GROUP BY user_id, symbol
        ) o USING (user_id, symbol)
        WHERE coalesce(e.open_sell_quantity, 0) <> coalesce(o.sold, 0)
            OR coalesce(e.open_buy_quantity, 0) <> coalesce(o.bought, 0)
        """,
    ),
    InvariantRule(
        "open orders are counted",
        ProofSubject.ACCOUNTS,
        "open orders of an account = its orders in the market or on their way there",
        f"""
        SELECT u.id::text FROM users u LEFT JOIN (
            SELECT user_id, count(*) AS placed FROM orders
            WHERE user_id {{of}} AND slices = 0 AND status IN {_PLACED} GROUP BY user_id
        ) o ON o.user_id = u.id WHERE u.id {{of}} AND u.open_orders <> coalesce(o.placed, 0)
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
            return [checked(connection, rule, WHOLE, market_now) for rule in RULES]


def checked(
    connection: Connection, rule: InvariantRule, part: ProofSlice, market_now: datetime
) -> Invariant:
    """Return an invariant with the rows of a slice that break it."""
    query = rule.query.format(of=part.condition)
    rows = connection.exec_driver_sql(query, {"now": market_now, **part.parameters}).scalars().all()
    return Invariant(rule.name, rule.rule, len(rows), str(rows[0]) if rows else None)
