"""Canceling what has not traded.  A race with the execution is decided by the account's lock."""

from __future__ import annotations

from angel_x.domain.denial import CancelReason
from angel_x.domain.order import Order, OrderStatus
from angel_x.errors import OrderAlreadyClosed, OrderNotFound
from angel_x.services.aftermath import Aftermath
from angel_x.services.units import Units


class Cancellation:
    """Takes orders off the market at their owner's request."""

    def __init__(self, *, units: Units, aftermath: Aftermath) -> None:
        self._units = units
        self._aftermath = aftermath

    def cancel(self, user_id: int, order_id: int, actor: str = "api") -> Order:
        """Cancel an order.  A second call finds it closed.

        Raises:
            OrderNotFound: The account has no such order.
            OrderAlreadyClosed: It was closed before; the error says how.
        """
        with self._units.begin() as unit:
            orders, book = unit.orders([order_id], frozenset(OrderStatus))
            if not orders or orders[0].user_id != user_id:
                raise OrderNotFound(str(order_id))
            order = orders[0]
            if order.status.is_closed:
                raise OrderAlreadyClosed(order_id, order.status)
            book.take_off(order, OrderStatus.CANCELED, CancelReason.REQUESTED)
            unit.record(book, actor)
            unit.commit()
        self._aftermath.tell(book)
        return order
