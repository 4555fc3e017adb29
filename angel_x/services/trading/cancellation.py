"""Canceling the open quantity of an order.  A race with the execution is decided by the account's lock."""

from __future__ import annotations

from angel_x.domain.book.order_with_slices import OrderWithSlices
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

        def decide(_unit: Unit, claimed: OrderWithSlices) -> bool:
            living = [part for part in claimed.parts if not part.status.is_closed]
            self._desk.withdraw(claimed.book, living, CancelReason.REQUESTED)
            return bool(claimed.book.moves)

        claimed = self._desk.run(
            lambda unit: _checked(unit.with_slices(order_id), user_id, order_id),
            decide,
            actor=actor,
            steps=_STEPS,
        )
        assert claimed.order is not None
        return claimed.order


def _checked(claimed: OrderWithSlices, user_id: int, order_id: int) -> OrderWithSlices:
    order = claimed.order
    if order is None or order.user_id != user_id:
        raise OrderNotFound(str(order_id))
    if order.status.is_closed:
        raise OrderAlreadyClosed(order_id, order.status)
    return claimed
