"""Generated orders and positions of a book that has traded for years, for explaining statements.

One order in fifty is open and each account holds twenty positions, as on a busy day; all else is
history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from angel_x.domain.orders.order import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

#: Orders and positions of one account.
_EACH = 1000
_LEAST_ACCOUNTS = 10
_SYMBOL = "'NIFTY_25AUG26_' || 20000 + 50 * {number} || 'CE'"
_ACCOUNT = "1 + n %% %(accounts)s"
_ROWS = "generate_series(0, %(rows)s - 1) AS n"
_PLACE = "(n / %(accounts)s)"


class _Part(NamedTuple):
    """The rows of one table."""

    table: str
    statement: str


_PARTS = (
    _Part(
        "users",
        "INSERT INTO users (name) SELECT 'user' || n FROM generate_series(1, %(accounts)s) n",
    ),
    _Part(
        "contracts",
        f"""
INSERT INTO contracts SELECT {_SYMBOL.format(number="n")}, 'NIFTY', '2026-08-25', 20000 + 50 * n, 'CE', 65, 0.05,
    1800, '2026-08-25T10:10:00Z' FROM generate_series(0, {_EACH} - 1) n
""",
    ),
    _Part(
        "greeks_snapshot",
        "INSERT INTO greeks_snapshot (symbol, delta, gamma, as_of) SELECT symbol, 0.5, 0.001, now() FROM contracts",
    ),
    _Part(
        "orders",
        f"""
INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity, filled_quantity, order_type,
    limit_price, validity, product, priority, status, reason, ring_at, valid_until, lease_until, closed_at, parent_id)
SELECT user_id, 'order ' || n, '\\x00', {_SYMBOL.format(number="number")}, 'BUY', 65,
    CASE WHEN status = '{OrderStatus.FILLED}' THEN 65 ELSE 0 END, 'LIMIT', 80, 'DAY', 'NRML',
    (ARRAY['emergency', 'high', 'normal', 'low'])[1 + n %% 4], status,
    CASE WHEN status = '{OrderStatus.DENIED}' THEN 'NO_QUOTE' END,
    now() + make_interval(secs => n %% 60 - 30), now() + interval '6 hours',
    CASE WHEN status = '{OrderStatus.SUBMITTING}' THEN now() END,
    CASE WHEN status IN ('{OrderStatus.FILLED}', '{OrderStatus.DENIED}', '{OrderStatus.CANCELED}') THEN now() END,
    CASE WHEN n %% 100 = 50 THEN n END
FROM (
    SELECT n, {_ACCOUNT} AS user_id, {_PLACE} %% {_EACH} AS number, CASE
        WHEN {_PLACE} %% 200 = 0 THEN '{OrderStatus.RECEIVED}'
        WHEN {_PLACE} %% 200 BETWEEN 1 AND 2 THEN '{OrderStatus.WORKING}'
        WHEN {_PLACE} %% 1000 = 3 THEN '{OrderStatus.SUBMITTING}'
        WHEN n %% 10 = 0 THEN '{OrderStatus.DENIED}'
        WHEN n %% 5 = 0 THEN '{OrderStatus.CANCELED}'
        ELSE '{OrderStatus.FILLED}' END AS status
    FROM {_ROWS}
) AS made ORDER BY n
""",
    ),
    _Part(
        "order_events",
        f"""
INSERT INTO order_events (order_id, status, actor) SELECT n + 1, '{OrderStatus.RECEIVED}', 'explain' FROM {_ROWS}
""",
    ),
    _Part(
        "fills",
        f"""
INSERT INTO fills (execution_id, order_id, user_id, symbol, side, quantity, price)
SELECT 'fill ' || n, n + 1, {_ACCOUNT}, {_SYMBOL.format(number=f"{_PLACE} %% {_EACH}")}, 'BUY', 65, 80 FROM {_ROWS}
""",
    ),
    _Part(
        "ledger_entries",
        f"""
INSERT INTO ledger_entries (user_id, order_id, account, amount) SELECT {_ACCOUNT}, n + 1, 'cash', -5200 FROM {_ROWS}
""",
    ),
    _Part(
        "positions",
        f"""
INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, cost, entry_time, exit_time)
SELECT {_ACCOUNT}, {_ACCOUNT}, {_SYMBOL.format(number=f"{_PLACE} %% {_EACH}")},
    CASE WHEN {_PLACE} < 20 THEN 'OPEN' ELSE 'CLOSED' END, CASE WHEN {_PLACE} < 20 THEN 65 ELSE 0 END,
    CASE WHEN {_PLACE} < 20 THEN 5200 ELSE 0 END, now(), CASE WHEN {_PLACE} >= 20 THEN now() END FROM {_ROWS}
""",
    ),
    _Part(
        "exposures",
        f"""
INSERT INTO exposures (user_id, symbol, net_quantity)
SELECT {_ACCOUNT}, {_SYMBOL.format(number=f"{_PLACE} %% {_EACH}")}, CASE WHEN {_PLACE} < 20 THEN 65 ELSE 0 END
FROM {_ROWS} ON CONFLICT DO NOTHING
""",
    ),
    _Part(
        "trades",
        f"""
INSERT INTO trades (user_id, symbol, status, side, quantity, entry_price, exit_price, created_at, closed_at)
SELECT {_ACCOUNT}, {_SYMBOL.format(number=f"{_PLACE} %% {_EACH}")}, 'CLOSED', 'BUY', 65, 80, 81,
    now() - make_interval(hours => ({_PLACE})::integer), now() - make_interval(hours => ({_PLACE})::integer)
FROM {_ROWS}
""",
    ),
    _Part(
        "margins",
        "INSERT INTO margins SELECT n, 'NIFTY', 0 FROM generate_series(1, %(accounts)s) n",
    ),
)


def fill(engine: Engine, rows: int, told: Callable[[str], None]) -> None:
    """Fill an empty schema with ``rows`` orders and as many positions, and take its statistics.

    ``told`` gets the name of each table before its rows.
    """
    parameters = {"rows": rows, "accounts": max(_LEAST_ACCOUNTS, rows // _EACH)}
    for part in _PARTS:
        told(part.table)
        with engine.begin() as connection:
            connection.exec_driver_sql(part.statement, parameters)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM (ANALYZE)")
