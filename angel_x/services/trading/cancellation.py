"""Canceling what has not traded.  A race with the execution is decided by the account's lock."""

from __future__ import annotations

from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import Order, OrderStatus
from angel_x.domain.orders.step import Step
from angel_x.errors import OrderAlreadyClosed, OrderNotFound
from angel_x.services.trading.aftermath import Aftermath
from angel_x.services.units import Units


class Cancellation:
    """Takes orders off the market at their owner's request."""

    def __init__(self, *, units: Units, aftermath: Aftermath) -> None:
        self._units = units
        self._aftermath = aftermath

    def cancel(self, user_id: int, order_id: int, actor: str = "api") -> Order:
        """Cancel an order, with all of its slices that are open.  A second call finds it closed.

        Raises:
            OrderNotFound: The account has no such order.
            OrderAlreadyClosed: It was closed before; the error says how.
        """
        with self._units.begin() as unit:
            family = unit.family(order_id)
            order, book = family.order, family.book
            if order is None or order.user_id != user_id:
                raise OrderNotFound(str(order_id))
            if order.status.is_closed:
                raise OrderAlreadyClosed(order_id, order.status)
            self._units.at(Step.CANCELLATION_FOUND)
            for part in family.parts:
                if not part.status.is_closed:
                    book.take_off(part, OrderStatus.CANCELED, CancelReason.REQUESTED)
            unit.record(book, actor)
            self._units.at(Step.CANCELLATION_RECORDED)
            unit.commit()
        self._units.at(Step.CANCELLATION_COMMITTED)
        self._aftermath.tell(book)
        return order
