"""Live orders beside their paper twins, as they are stored."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.rows import read
from angel_x.domain.orders.order import OrderStatus, Side
from angel_x.domain.records.shadow_report import ShadowRow, SideRow

if TYPE_CHECKING:
    from sqlalchemy import Engine

_ON_DAY = """
SELECT o.id AS order_id, o.client_order_id, u.name AS account, o.symbol, o.side, o.quantity, o.accepted_at,
    o.status, o.reason, o.filled_quantity, o.traded_value,
    (SELECT max(f.at) FROM fills f WHERE f.order_id = o.id) AS filled_at,
    s.status AS paper_status, s.reason AS paper_reason, s.filled_quantity AS paper_filled_quantity,
    s.traded_value AS paper_traded_value, s.filled_at AS paper_filled_at
FROM shadow_orders s JOIN orders o ON o.id = s.order_id JOIN users u ON u.id = o.user_id
WHERE s.arrived_at >= %(day)s::date::timestamp AT TIME ZONE 'Asia/Kolkata'
    AND s.arrived_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'Asia/Kolkata'
    AND (%(user_id)s::bigint IS NULL OR s.user_id = %(user_id)s::bigint)
ORDER BY s.arrived_at DESC, s.order_id DESC
"""


#: Orders that were handed to the exchange, account by account: of each those after the last twin of
#: the days before, by the index of its orders.
_WITHOUT_TWIN = """
WITH before AS (
    SELECT coalesce((SELECT order_id FROM shadow_orders
        WHERE arrived_at < %(day)s::date::timestamp AT TIME ZONE 'Asia/Kolkata'
        ORDER BY arrived_at DESC LIMIT 1), 0) AS id
)
SELECT coalesce(sum((
    SELECT count(*) FROM orders o
    WHERE o.user_id = u.id AND o.id > before.id AND o.attempt > 0
        AND o.accepted_at >= %(day)s::date::timestamp AT TIME ZONE 'Asia/Kolkata'
        AND o.accepted_at < %(before)s
        AND NOT EXISTS (SELECT FROM shadow_orders s WHERE s.order_id = o.id)
)), 0)::bigint FROM users u CROSS JOIN before
"""


class _PairRow(NamedTuple):
    order_id: int
    client_order_id: str
    account: str
    symbol: str
    side: str
    quantity: int
    accepted_at: datetime
    status: str
    reason: str | None
    filled_quantity: int
    traded_value: Decimal
    filled_at: datetime | None
    paper_status: str
    paper_reason: str | None
    paper_filled_quantity: int
    paper_traded_value: Decimal
    paper_filled_at: datetime | None


class PostgresShadowOrders:
    """Reads the table ``shadow_orders`` beside the orders."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def on_day(self, user_id: int | None, day: date) -> list[ShadowRow]:
        """Return the orders of an account, or of all, that were sent on a day in India, the newest first."""
        found = read(self._engine, _ON_DAY, _PairRow, {"user_id": user_id, "day": day})
        return [_row(pair) for pair in found]

    def without_twin(self, day: date, before: datetime) -> int:
        """Return how many orders of a day in India, accepted before a time, were sent and have no twin."""
        with self._engine.connect() as connection:
            found = connection.exec_driver_sql(_WITHOUT_TWIN, {"day": day, "before": before})
            return int(found.scalar_one())


def _row(pair: _PairRow) -> ShadowRow:
    return ShadowRow(
        order_id=pair.order_id,
        client_order_id=pair.client_order_id,
        account=pair.account,
        symbol=pair.symbol,
        side=Side(pair.side),
        quantity=pair.quantity,
        accepted_at=pair.accepted_at,
        live=SideRow(
            status=OrderStatus(pair.status),
            reason=pair.reason,
            filled_quantity=pair.filled_quantity,
            traded_value=pair.traded_value,
            filled_at=pair.filled_at,
        ),
        paper=SideRow(
            status=OrderStatus(pair.paper_status),
            reason=pair.paper_reason,
            filled_quantity=pair.paper_filled_quantity,
            traded_value=pair.paper_traded_value,
            filled_at=pair.paper_filled_at,
        ),
    )
