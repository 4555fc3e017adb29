"""The SQL that writes a book, one part a table.

The parts that a batch needs become one data-modifying WITH: one round trip, one snapshot, and no time
spent on planning parts that have nothing to write.
"""

from __future__ import annotations

from angel_x.adapters.postgres.literals import literals
from angel_x.domain.orders.order import ASKED

ORDERS = f"""
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
AMENDED_COLUMNS = """,
        quantity = coalesce(a.quantity, o.quantity),
        trigger_price = CASE WHEN a.id IS NULL THEN o.trigger_price ELSE a.trigger_price END,
        time_priority = CASE WHEN a.requeued THEN nextval('order_time_priority')
            ELSE o.time_priority END
"""
AMENDED_JOIN = """
    LEFT JOIN unnest(
        %(amended_ids)s::bigint[], %(quantities)s::integer[], %(triggers)s::numeric[],
        %(requeued)s::boolean[]
    ) AS a (id, quantity, trigger_price, requeued) ON a.id = m.id
"""
EVENTS = """
told AS (
    INSERT INTO order_events (order_id, status, actor, reason, attempt, detail)
    SELECT t.order_id, t.status, %(actor)s::text, t.reason, t.attempt, t.detail
    FROM unnest(%(event_orders)s::bigint[], %(event_statuses)s::text[],
        %(event_reasons)s::text[], %(event_attempts)s::integer[], %(event_details)s::text[])
        AS t (order_id, status, reason, attempt, detail)
)
"""
FILLS = """
filled AS (
    INSERT INTO fills (execution_id, order_id, user_id, symbol, side, quantity, price, trade_date)
    SELECT * FROM unnest(
        %(execution_ids)s::text[], %(fill_orders)s::bigint[], %(fill_users)s::bigint[],
        %(fill_symbols)s::text[], %(fill_sides)s::text[], %(fill_quantities)s::integer[],
        %(fill_prices)s::numeric[], %(trade_dates)s::date[])
)
"""
LEDGER = """
booked AS (
    INSERT INTO ledger_entries (user_id, order_id, account, amount)
    SELECT * FROM unnest(
        %(entry_users)s::bigint[], %(entry_orders)s::bigint[], %(entry_accounts)s::text[],
        %(entry_amounts)s::numeric[])
)
"""
# A debit arises in a settlement or a closing order; afterwards it falls with the shortfall.
ACCOUNTS = """
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
EXPOSURES = """
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
MARGINS = """
margined AS (
    INSERT INTO margins (user_id, underlying, margin)
    SELECT * FROM unnest(
        %(margin_users)s::bigint[], %(underlyings)s::text[], %(pool_margins)s::numeric[])
    ON CONFLICT (user_id, underlying) DO UPDATE SET margin = excluded.margin
)
"""
HELD_POSITIONS = """
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
NEW_POSITIONS = """
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
TRADES = """
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
SETTLED = """
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
