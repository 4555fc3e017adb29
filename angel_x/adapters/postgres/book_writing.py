"""Writing a book: one statement with array parameters for everything that a batch changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.prepared import Statement, execute
from angel_x.domain.book.book import Book
from angel_x.domain.book.moves import ParentOrder
from angel_x.domain.orders.order import ASKED, CLOSED, REFUSED, OrderStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from sqlalchemy import Connection

    from angel_x.domain.book.account import Exposure
    from angel_x.domain.book.margin_pool import Pair
    from angel_x.domain.book.position import Position

# Each part writes one table.  Those that a batch needs become one data-modifying WITH: one round
# trip, one snapshot, and no time spent on planning what has nothing to write.
_ORDERS = f"""
moved AS (
    SELECT * FROM unnest(
        %(order_ids)s::bigint[], %(statuses)s::text[], %(reasons)s::text[], %(filled)s::integer[],
        %(traded)s::numeric[], %(reserved)s::numeric[], %(limits)s::numeric[],
        %(attempts)s::integer[], %(closed)s::boolean[]
    ) AS t (id, status, reason, filled_quantity, traded_value, reserved, limit_price, attempt,
        is_closed)
), orders_moved AS (
    UPDATE orders o SET
        status = m.status, reason = m.reason, filled_quantity = m.filled_quantity,
        traded_value = m.traded_value,
        average_price = round(m.traded_value / nullif(m.filled_quantity, 0), 4),
        reserved = m.reserved, limit_price = m.limit_price, attempt = m.attempt,
        lease_until = CASE WHEN m.status IN {literals(ASKED)}
            THEN clock_timestamp() + make_interval(secs => %(lease)s) END,
        updated_at = clock_timestamp(),
        closed_at = CASE WHEN m.is_closed THEN clock_timestamp() END
        {{amended_columns}}
    FROM moved m {{amended_join}} WHERE o.id = m.id
)
"""
# A change of its order is part of the same row version, so it joins the update above.
_AMENDED_COLUMNS = """,
        quantity = coalesce(a.quantity, o.quantity),
        trigger_price = CASE WHEN a.id IS NULL THEN o.trigger_price ELSE a.trigger_price END,
        time_priority = CASE WHEN a.requeued THEN nextval('order_time_priority')
            ELSE o.time_priority END
"""
_AMENDED_JOIN = """
    LEFT JOIN unnest(
        %(amended_ids)s::bigint[], %(quantities)s::integer[], %(triggers)s::numeric[],
        %(requeued)s::boolean[]
    ) AS a (id, quantity, trigger_price, requeued) ON a.id = m.id
"""
_EVENTS = """
told AS (
    INSERT INTO order_events (order_id, status, actor, reason, attempt, detail)
    SELECT t.order_id, t.status, %(actor)s::text, t.reason, t.attempt, t.detail
    FROM unnest(%(event_orders)s::bigint[], %(event_statuses)s::text[],
        %(event_reasons)s::text[], %(event_attempts)s::integer[], %(event_details)s::text[])
        AS t (order_id, status, reason, attempt, detail)
)
"""
_FILLS = """
filled AS (
    INSERT INTO fills (execution_id, order_id, user_id, symbol, side, quantity, price, trade_date)
    SELECT * FROM unnest(
        %(execution_ids)s::text[], %(fill_orders)s::bigint[], %(fill_users)s::bigint[],
        %(fill_symbols)s::text[], %(fill_sides)s::text[], %(fill_quantities)s::integer[],
        %(fill_prices)s::numeric[], %(trade_dates)s::date[])
)
"""
_LEDGER = """
booked AS (
    INSERT INTO ledger_entries (user_id, order_id, account, amount)
    SELECT * FROM unnest(
        %(entry_users)s::bigint[], %(entry_orders)s::bigint[], %(entry_accounts)s::text[],
        %(entry_amounts)s::numeric[])
)
"""
# A debit arises in a settlement or a closing order; afterwards it falls with what is missing.
_ACCOUNTS = """
accounts_moved AS (
    UPDATE users u SET
        cash = t.cash, margin_used = t.margin_used, realised_pnl = t.realised_pnl,
        open_orders = t.open_orders, pnl_day = t.pnl_day, day_pnl = t.day_pnl,
        debit = coalesce(
            t.debit, least(u.debit, greatest(t.margin_used - t.cash - u.collateral, 0)))
    FROM unnest(%(user_ids)s::bigint[], %(cash)s::numeric[], %(margins)s::numeric[],
        %(pnl)s::numeric[], %(open_orders)s::integer[], %(pnl_days)s::date[],
        %(day_pnl)s::numeric[], %(debits)s::numeric[])
        AS t (id, cash, margin_used, realised_pnl, open_orders, pnl_day, day_pnl, debit)
    WHERE u.id = t.id
)
"""
_EXPOSURES = """
exposed AS (
    INSERT INTO exposures (
        user_id, symbol, net_quantity, open_buy_quantity, open_sell_quantity)
    SELECT * FROM unnest(
        %(exposure_users)s::bigint[], %(exposure_symbols)s::text[], %(nets)s::integer[],
        %(bidding)s::integer[], %(offered)s::integer[])
    ON CONFLICT (user_id, symbol) DO UPDATE SET
        net_quantity = excluded.net_quantity, open_buy_quantity = excluded.open_buy_quantity,
        open_sell_quantity = excluded.open_sell_quantity
)
"""
_MARGINS = """
margined AS (
    INSERT INTO margins (user_id, underlying, margin)
    SELECT * FROM unnest(
        %(margin_users)s::bigint[], %(underlyings)s::text[], %(pool_margins)s::numeric[])
    ON CONFLICT (user_id, underlying) DO UPDATE SET margin = excluded.margin
)
"""
_HELD_POSITIONS = """
positions_moved AS (
    UPDATE positions p SET
        quantity = t.quantity, cost = t.cost, realised_pnl = t.realised_pnl,
        status = CASE WHEN t.quantity = 0 THEN 'CLOSED' ELSE 'OPEN' END,
        exit_time = CASE WHEN t.quantity = 0 THEN clock_timestamp() END
    FROM unnest(%(held_ids)s::bigint[], %(held_quantities)s::integer[], %(held_costs)s::numeric[],
        %(held_pnl)s::numeric[]) AS t (id, quantity, cost, realised_pnl)
    WHERE p.id = t.id
    RETURNING p.id
)
"""
# Opening a position waits for the closing of the one before it, because the unique index on open
# positions looks at rows as they are written.
_NEW_POSITIONS = """
positions_opened AS (
    INSERT INTO positions (
        user_id, portfolio_id, symbol, product, status, quantity, cost, realised_pnl, exit_time)
    SELECT t.user_id, t.user_id, t.symbol, t.product,
        CASE WHEN t.quantity = 0 THEN 'CLOSED' ELSE 'OPEN' END, t.quantity, t.cost, t.realised_pnl,
        CASE WHEN t.quantity = 0 THEN clock_timestamp() END
    FROM unnest(%(new_users)s::bigint[], %(new_symbols)s::text[], %(new_products)s::text[],
        %(new_quantities)s::integer[], %(new_costs)s::numeric[], %(new_pnl)s::numeric[])
        AS t (user_id, symbol, product, quantity, cost, realised_pnl),
        (SELECT count(*) FROM positions_moved) AS after
)
"""
_TRADES = """
traded AS (
    INSERT INTO trades (
        user_id, symbol, status, side, quantity, entry_price, exit_price, realised_pnl, created_at,
        closed_at)
    SELECT t.user_id, t.symbol, 'CLOSED', t.side, t.quantity, t.entry_price, t.exit_price,
        t.realised_pnl, coalesce(t.entered, clock_timestamp()), clock_timestamp()
    FROM unnest(%(trade_users)s::bigint[], %(trade_symbols)s::text[], %(trade_sides)s::text[],
        %(trade_quantities)s::integer[], %(entry_prices)s::numeric[], %(exit_prices)s::numeric[],
        %(trade_pnl)s::numeric[], %(entered)s::timestamptz[])
        AS t (user_id, symbol, side, quantity, entry_price, exit_price, realised_pnl, entered)
)
"""
_SETTLED = """
settled AS (
    INSERT INTO settlements (
        user_id, symbol, expiry, product, quantity, index_price, price, realised_pnl, charges)
    SELECT * FROM unnest(
        %(settled_users)s::bigint[], %(settled_symbols)s::text[], %(settled_expiries)s::date[],
        %(settled_products)s::text[], %(settled_quantities)s::integer[],
        %(settled_indices)s::numeric[], %(settled_prices)s::numeric[], %(settled_pnl)s::numeric[],
        %(settled_charges)s::numeric[])
)
"""


# The state of a parent order follows its slices, whose changes are visible to this later statement.
_PARENTS = Statement(
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


def write_book(
    connection: Connection, book: Book, actor: str, *, lease_seconds: float
) -> list[ParentOrder]:
    """Write a book in one round trip, and in a second one the parent orders of moved slices.

    Return the parent orders that moved.
    """
    positions = [*book.flattened, *book.positions.values()]
    held = [p for p in positions if p.id is not None]
    new = [p for p in positions if p.id is None]
    orders = _ORDERS.format(
        amended_columns=_AMENDED_COLUMNS if book.amended else "",
        amended_join=_AMENDED_JOIN if book.amended else "",
    )
    parts = [orders, _EVENTS, _ACCOUNTS]
    parts += [_FILLS] if book.fills else []
    parts += [_LEDGER] if book.entries else []
    exposures = [book.exposures[key] for key in sorted(book.exposed)]
    pools = sorted(book.margins.changed())
    parts += [_EXPOSURES] if exposures else []
    parts += [_MARGINS] if pools else []
    parts += [_HELD_POSITIONS] if held or new else []
    parts += [_NEW_POSITIONS] if new else []
    parts += [_TRADES] if book.trades else []
    parts += [_SETTLED] if book.settled else []
    parameters = (
        {"actor": actor, "lease": lease_seconds}
        | _orders(book)
        | _events(book)
        | _fills(book)
        | _ledger(book)
        | _accounts(book)
        | _exposures(exposures)
        | _pools(pools)
        | _positions(held, "held")
        | _positions(new, "new")
        | _trades(book)
        | _settled(book)
    )
    execute(connection, parameters, _record(parts))
    parents = {m.order.parent_id for m in book.moves if m.order.parent_id is not None}
    if not parents:
        return []
    parameters = {"parents": array(sorted(parents)), "actor": actor}
    return [ParentOrder(**row) for row in execute(connection, parameters, _PARENTS).mappings()]


def _record(parts: Iterable[str]) -> Statement:
    return Statement("record", f"WITH {','.join(parts)} SELECT 1")


#: The statement of a book that writes every table.
RECORD = _record(
    (
        _ORDERS.format(amended_columns=_AMENDED_COLUMNS, amended_join=_AMENDED_JOIN),
        _EVENTS, _FILLS, _LEDGER, _ACCOUNTS, _EXPOSURES, _MARGINS, _HELD_POSITIONS, _NEW_POSITIONS, _TRADES,
        _SETTLED,
    )
)  # fmt: skip


def _orders(book: Book) -> dict[str, str]:
    """Return the final status of each moved order."""
    last = {m.order.id: m for m in book.moves}.values()
    return {
        "order_ids": array(m.order.id for m in last),
        "statuses": array(m.order.status.value for m in last),
        "reasons": array(m.reason for m in last),
        "filled": array(m.order.filled_quantity for m in last),
        "traded": array(m.order.traded_value for m in last),
        "reserved": array(m.order.reserved for m in last),
        "limits": array(m.order.limit_price for m in last),
        "attempts": array(m.order.attempt for m in last),
        "closed": array(m.order.status.is_closed for m in last),
        "amended_ids": array(o.id for o, _ in book.amended),
        "quantities": array(o.quantity for o, _ in book.amended),
        "triggers": array(o.trigger_price for o, _ in book.amended),
        "requeued": array(requeued for _, requeued in book.amended),
    }


def _events(book: Book) -> dict[str, str]:
    moves = book.moves
    return {
        "event_orders": array(m.order.id for m in moves),
        "event_statuses": array(m.status.value for m in moves),
        "event_reasons": array(m.reason for m in moves),
        "event_attempts": array(m.order.attempt for m in moves),
        "event_details": array(m.detail for m in moves),
    }


def _fills(book: Book) -> dict[str, str]:
    fills = book.fills
    return {
        "execution_ids": array(f.execution_id for f in fills),
        "fill_orders": array(f.order.id for f in fills),
        "fill_users": array(f.order.user_id for f in fills),
        "fill_symbols": array(f.order.symbol for f in fills),
        "fill_sides": array(f.order.side.value for f in fills),
        "fill_quantities": array(f.quantity for f in fills),
        "fill_prices": array(f.price for f in fills),
        "trade_dates": array(f.day for f in fills),
    }


def _ledger(book: Book) -> dict[str, str]:
    entries = book.entries
    return {
        "entry_users": array(e.user_id for e in entries),
        "entry_orders": array(e.order_id for e in entries),
        "entry_accounts": array(e.account.value for e in entries),
        "entry_amounts": array(e.amount for e in entries),
    }


def _accounts(book: Book) -> dict[str, str]:
    accounts = book.accounts.values()
    return {
        "user_ids": array(a.id for a in accounts),
        "cash": array(a.cash for a in accounts),
        "margins": array(a.margin_used for a in accounts),
        "pnl": array(a.realised_pnl for a in accounts),
        "open_orders": array(a.open_orders for a in accounts),
        "pnl_days": array(a.pnl_day for a in accounts),
        "day_pnl": array(a.day_pnl for a in accounts),
        "debits": array(a.debit for a in accounts),
    }


def _exposures(exposures: Sequence[Exposure]) -> dict[str, str]:
    return {
        "exposure_users": array(e.user_id for e in exposures),
        "exposure_symbols": array(e.symbol for e in exposures),
        "nets": array(e.net_quantity for e in exposures),
        "bidding": array(e.open_buy_quantity for e in exposures),
        "offered": array(e.open_sell_quantity for e in exposures),
    }


def _pools(pools: Sequence[tuple[Pair, Decimal]]) -> dict[str, str]:
    return {
        "margin_users": array(user_id for (user_id, _), _ in pools),
        "underlyings": array(underlying for (_, underlying), _ in pools),
        "pool_margins": array(held for _, held in pools),
    }


def _positions(positions: Iterable[Position], prefix: str) -> dict[str, str]:
    rows = list(positions)
    return {
        f"{prefix}_ids": array(p.id for p in rows),
        f"{prefix}_users": array(p.user_id for p in rows),
        f"{prefix}_symbols": array(p.symbol for p in rows),
        f"{prefix}_products": array(p.product.value for p in rows),
        f"{prefix}_quantities": array(p.quantity for p in rows),
        f"{prefix}_costs": array(p.cost for p in rows),
        f"{prefix}_pnl": array(p.realised_pnl for p in rows),
    }


def _trades(book: Book) -> dict[str, str]:
    return {
        "trade_users": array(user_id for user_id, _, _ in book.trades),
        "trade_symbols": array(symbol for _, symbol, _ in book.trades),
        "trade_sides": array(t.side.value for _, _, t in book.trades),
        "trade_quantities": array(t.quantity for _, _, t in book.trades),
        "entry_prices": array(t.entry_price for _, _, t in book.trades),
        "exit_prices": array(t.exit_price for _, _, t in book.trades),
        "trade_pnl": array(t.realised_pnl for _, _, t in book.trades),
        "entered": array(t.entry_time for _, _, t in book.trades),
    }


def _settled(book: Book) -> dict[str, str]:
    settled = book.settled
    return {
        "settled_users": array(s.user_id for s in settled),
        "settled_symbols": array(s.symbol for s in settled),
        "settled_expiries": array(s.expiry for s in settled),
        "settled_products": array(s.product.value for s in settled),
        "settled_quantities": array(s.quantity for s in settled),
        "settled_indices": array(s.index for s in settled),
        "settled_prices": array(s.price for s in settled),
        "settled_pnl": array(s.realised_pnl for s in settled),
        "settled_charges": array(s.charges for s in settled),
    }
