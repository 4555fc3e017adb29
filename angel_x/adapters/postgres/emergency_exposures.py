"""Exposures of accounts, with the emergency orders that wait for a decision."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.prepared import Statement, execute
from angel_x.adapters.postgres.rows import named
from angel_x.domain.book.account import Exposure
from angel_x.domain.orders.order import OrderStatus, Priority, Side

if TYPE_CHECKING:
    from sqlalchemy import Engine

#: Waiting emergency orders from which on an account has no position to close: reading more of them would
#: take long.
_MOST_WAITING = 1000
# The lane of each account is read once, through its index.
_EXPOSURES = Statement(
    "emergency_exposures",
    f"""
WITH given AS (
    SELECT * FROM unnest(%(user_ids)s::bigint[], %(symbols)s::text[]) AS t (user_id, symbol)
), waiting AS MATERIALIZED (
    SELECT a.user_id, o.symbol, o.side, o.quantity
    FROM (SELECT DISTINCT user_id FROM given) AS a CROSS JOIN LATERAL (
        SELECT symbol, side, quantity FROM orders
        WHERE status = '{OrderStatus.RECEIVED}' AND NOT held AND priority = '{Priority.EMERGENCY}'
            AND user_id = a.user_id
        ORDER BY id LIMIT {_MOST_WAITING}
    ) AS o
), offered AS (
    SELECT user_id, symbol, sum(quantity) FILTER (WHERE side = '{Side.BUY}') AS buys,
        sum(quantity) FILTER (WHERE side = '{Side.SELL}') AS sells
    FROM waiting GROUP BY user_id, symbol
), crowded AS (
    SELECT user_id FROM waiting GROUP BY user_id HAVING count(*) >= {_MOST_WAITING}
)
SELECT g.user_id, g.symbol,
    CASE WHEN c.user_id IS NULL THEN coalesce(e.net_quantity, 0) ELSE 0 END::bigint AS net_quantity,
    (coalesce(e.open_buy_quantity, 0) + coalesce(o.buys, 0))::bigint AS open_buy_quantity,
    (coalesce(e.open_sell_quantity, 0) + coalesce(o.sells, 0))::bigint AS open_sell_quantity
FROM given g LEFT JOIN exposures e USING (user_id, symbol) LEFT JOIN offered o USING (user_id, symbol)
    LEFT JOIN crowded c USING (user_id)
""",
)


class _ExposureRow(NamedTuple):
    user_id: int
    symbol: str
    net_quantity: int
    open_buy_quantity: int
    open_sell_quantity: int


class EmergencyExposures:
    """Reads without locks: the decision of an order asks again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, places: Collection[tuple[int, str]]) -> dict[tuple[int, str], Exposure]:
        """Return the exposure of each account and contract; waiting orders count as resting.

        An account with a thousand of them is flat: none of its further orders reduces.
        """
        parameters = {
            "user_ids": array(user_id for user_id, _ in places),
            "symbols": array(symbol for _, symbol in places),
        }
        with self._engine.connect() as connection:
            rows = named(execute(connection, parameters, _EXPOSURES), _ExposureRow)
        return {(row.user_id, row.symbol): Exposure(*row) for row in rows}
