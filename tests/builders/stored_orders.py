"""Orders and positions in any state, written straight into a database."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import text

from angel_x.domain.orders.order import ASKED, CLOSED, OrderStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Engine

NEXT_YEAR = datetime(2027, 1, 1, tzinfo=UTC)

_ORDER = text("""
INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity, filled_quantity,
    order_type, limit_price, trigger_price, validity, product, priority, status, reason, held, slices,
    parent_id, basket_id, traded_value, valid_until, ring_at, lease_until, closed_at)
VALUES (:user_id, :name, '\\x00', :symbol, :side, :quantity, :filled, :order_type, :limit_price,
    :trigger_price, 'DAY', :product, :priority, :status, :reason, :held, :slices, :parent_id,
    :basket_id, :traded_value, :valid_until, now() + make_interval(secs => :ring_in),
    CASE WHEN :is_asked THEN now() + make_interval(secs => :lease_in) END,
    CASE WHEN :is_closed THEN now() END)
RETURNING id
""")
_POSITION = text("""
INSERT INTO positions (user_id, portfolio_id, symbol, product, status, quantity, cost, exit_time)
VALUES (:user_id, :user_id, :symbol, :product, CASE :quantity WHEN 0 THEN 'CLOSED' ELSE 'OPEN' END,
    :quantity, :quantity, CASE :quantity WHEN 0 THEN now() END)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOrder:
    """A row of the table; whatever its status, it is one that the database takes."""

    user_id: int
    symbol: str
    status: OrderStatus = OrderStatus.WORKING
    side: str = "BUY"
    quantity: int = 65
    #: None takes the units that the status asks for.
    filled: int | None = None
    traded_value: str = "0"
    name: str | None = None
    order_type: str = "LIMIT"
    limit_price: str | None = "80.00"
    trigger_price: str | None = None
    product: str = "NRML"
    priority: str = "normal"
    reason: str | None = None
    held: bool = False
    slices: int = 0
    parent_id: int | None = None
    basket_id: int | None = None
    valid_until: datetime = NEXT_YEAR
    #: Seconds from now.
    ring_in: float = 60.0
    lease_in: float = 60.0


def store_orders(engine: Engine, orders: Mapping[str, StoredOrder]) -> dict[str, int]:
    """Store orders in this sequence; return their ids by the same names."""
    with engine.begin() as connection:
        return {
            name: connection.execute(_ORDER, _row(name, order)).scalar_one()
            for name, order in orders.items()
        }


def store_positions(engine: Engine, positions: Sequence[tuple[int, str, str, int]]) -> None:
    """Store positions (account, symbol, product, units); one of no units is closed."""
    rows = [
        dict(zip(("user_id", "symbol", "product", "quantity"), p, strict=True)) for p in positions
    ]
    with engine.begin() as connection:
        connection.execute(_POSITION, rows)


def _row(name: str, order: StoredOrder) -> dict[str, object]:
    partial = {OrderStatus.FILLED: order.quantity, OrderStatus.PARTIALLY_FILLED: 1}
    refused = order.status in {OrderStatus.DENIED, OrderStatus.REJECTED}
    return {
        **asdict(order),
        "name": order.name or name,
        "status": order.status.value,
        "filled": partial.get(order.status, 0) if order.filled is None else order.filled,
        "reason": order.reason or ("NO_QUOTE" if refused else None),
        "is_closed": order.status in CLOSED,
        "is_asked": order.status in ASKED,
    }
