"""Writing a book: one statement with array parameters for everything that a batch changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from angel_x.adapters.postgres.arrays import array

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from angel_x.domain.book import Book
    from angel_x.domain.position import Position

# Each part writes one table.  Those that a batch needs become one data-modifying WITH: one round
# trip, one snapshot, and no time spent on planning what has nothing to write.
_ORDERS = """
moved AS (
    SELECT * FROM unnest(
        %(order_ids)s::bigint[], %(statuses)s::text[], %(reasons)s::text[], %(details)s::text[],
        %(filled)s::integer[], %(averages)s::numeric[], %(reserved)s::numeric[], %(closed)s::boolean[]
    ) AS t (id, status, reason, detail, filled_quantity, average_price, reserved, is_closed)
), orders_moved AS (
    UPDATE orders o SET
        status = m.status, reason = m.reason, filled_quantity = m.filled_quantity,
        average_price = m.average_price, reserved = m.reserved, updated_at = clock_timestamp(),
        closed_at = CASE WHEN m.is_closed THEN clock_timestamp() END
    FROM moved m WHERE o.id = m.id
), told AS (
    INSERT INTO order_events (order_id, status, actor, reason, attempt, detail)
    SELECT m.id, m.status, %(actor)s, m.reason, 0, m.detail FROM moved m
)
"""
_FILLS = """
filled AS (
    INSERT INTO fills (execution_id, order_id, user_id, symbol, side, quantity, price)
    SELECT * FROM unnest(
        %(execution_ids)s::text[], %(fill_orders)s::bigint[], %(fill_users)s::bigint[],
        %(fill_symbols)s::text[], %(fill_sides)s::text[], %(fill_quantities)s::integer[],
        %(fill_prices)s::numeric[])
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
_ACCOUNTS = """
accounts_moved AS (
    UPDATE users u SET cash = t.cash, margin_used = t.margin_used, realised_pnl = t.realised_pnl
    FROM unnest(%(user_ids)s::bigint[], %(cash)s::numeric[], %(margins)s::numeric[],
        %(pnl)s::numeric[]) AS t (id, cash, margin_used, realised_pnl)
    WHERE u.id = t.id
)
"""
_EXPOSURES = """
exposed AS (
    INSERT INTO exposures (user_id, symbol, net_quantity, open_sell_quantity, margin)
    SELECT * FROM unnest(
        %(exposure_users)s::bigint[], %(exposure_symbols)s::text[], %(nets)s::integer[],
        %(offered)s::integer[], %(exposure_margins)s::numeric[])
    ON CONFLICT (user_id, symbol) DO UPDATE SET
        net_quantity = excluded.net_quantity, open_sell_quantity = excluded.open_sell_quantity,
        margin = excluded.margin
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
        user_id, portfolio_id, symbol, status, quantity, cost, realised_pnl, exit_time)
    SELECT t.user_id, t.user_id, t.symbol,
        CASE WHEN t.quantity = 0 THEN 'CLOSED' ELSE 'OPEN' END, t.quantity, t.cost, t.realised_pnl,
        CASE WHEN t.quantity = 0 THEN clock_timestamp() END
    FROM unnest(%(new_users)s::bigint[], %(new_symbols)s::text[], %(new_quantities)s::integer[],
        %(new_costs)s::numeric[], %(new_pnl)s::numeric[])
        AS t (user_id, symbol, quantity, cost, realised_pnl),
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


def write_book(connection: Connection, book: Book, actor: str) -> None:
    """Write a book in one round trip."""
    positions = [*book.flattened, *book.positions.values()]
    held = [p for p in positions if p.id is not None]
    new = [p for p in positions if p.id is None]
    parts = [_ORDERS, _ACCOUNTS]
    parts += [_FILLS] if book.fills else []
    parts += [_LEDGER] if book.entries else []
    parts += [_EXPOSURES] if book.exposures else []
    parts += [_HELD_POSITIONS] if held or new else []
    parts += [_NEW_POSITIONS] if new else []
    parts += [_TRADES] if book.trades else []
    parameters = (
        {"actor": actor}
        | _orders(book)
        | _fills(book)
        | _ledger(book)
        | _accounts(book)
        | _positions(held, "held")
        | _positions(new, "new")
        | _trades(book)
    )
    connection.exec_driver_sql(f"WITH {','.join(parts)} SELECT 1", parameters)


def _orders(book: Book) -> dict[str, str]:
    moves = book.moves
    return {
        "order_ids": array(m.order.id for m in moves),
        "statuses": array(m.status.value for m in moves),
        "reasons": array(m.reason for m in moves),
        "details": array(m.detail for m in moves),
        "filled": array(m.order.filled_quantity for m in moves),
        "averages": array(m.order.average_price for m in moves),
        "reserved": array(m.order.reserved for m in moves),
        "closed": array(m.status.is_closed for m in moves),
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
    accounts, exposures = book.accounts.values(), book.exposures.values()
    return {
        "user_ids": array(a.id for a in accounts),
        "cash": array(a.cash for a in accounts),
        "margins": array(a.margin_used for a in accounts),
        "pnl": array(a.realised_pnl for a in accounts),
        "exposure_users": array(e.user_id for e in exposures),
        "exposure_symbols": array(e.symbol for e in exposures),
        "nets": array(e.net_quantity for e in exposures),
        "offered": array(e.open_sell_quantity for e in exposures),
        "exposure_margins": array(e.margin for e in exposures),
    }


def _positions(positions: Iterable[Position], prefix: str) -> dict[str, str]:
    rows = list(positions)
    return {
        f"{prefix}_ids": array(p.id for p in rows),
        f"{prefix}_users": array(p.user_id for p in rows),
        f"{prefix}_symbols": array(p.symbol for p in rows),
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
