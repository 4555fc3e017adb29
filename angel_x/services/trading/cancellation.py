"""Canceling the open quantity of an order.  A race with the execution is decided by the account's lock."""

from __future__ import annotations

from angel_x.domain.book.family import Family
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import Order
from angel_x.domain.orders.step import Step
from angel_x.errors import OrderAlreadyClosed, OrderNotFound
from angel_x.services.trading.transaction import Steps
from angel_x.services.trading.venue_desk import VenueDesk
from angel_x.services.units import Unit

_STEPS = Steps(
    found=Step.CANCELLATION_FOUND,
    recorded=Step.CANCELLATION_RECORDED,
    committed=Step.CANCELLATION_COMMITTED,
)


class Cancellation:
    """Takes orders off the market at their owner's request."""

    def __init__(self, *, desk: VenueDesk) -> None:
        self._desk = desk

    def cancel(self, user_id: int, order_id: int, actor: str = "api") -> Order:
        """Cancel an order with all of its open slices.  A second call finds it closed.

        At a venue that answers later the order is *pending_cancel* until the answer.

        Raises:
            OrderNotFound: The account has no such order.
            OrderAlreadyClosed: It is closed; the error has its status.
        """

        def decide(_unit: Unit, family: Family) -> bool:
            living = [part for part in family.parts if not part.status.is_closed]
            self._desk.withdraw(family.book, living, CancelReason.REQUESTED)
            return bool(family.book.moves)

        family = self._desk.run(
            lambda unit: _checked(unit.family(order_id), user_id, order_id),
            decide,
            actor=actor,
            steps=_STEPS,
        )
        assert family.order is not None
        return family.order


def _checked(family: Family, user_id: int, order_id: int) -> Family:
    order = family.order
    if order is None or order.user_id != user_id:
        raise OrderNotFound(str(order_id))
    if order.status.is_closed:
        raise OrderAlreadyClosed(order_id, order.status)
    return family
