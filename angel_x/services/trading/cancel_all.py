"""Canceling many orders: all of an account, or all that the trading states do not allow.

Each batch is one transaction under the locks of its accounts, so races with the execution are decided
and the outcome of each order is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import structlog

from angel_x.domain.book.claim import Claim
from angel_x.domain.book.control import CancellationRecord, ControlledOrder, OrderSelection
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import OPEN, Order, OrderStatus
from angel_x.domain.orders.step import Step
from angel_x.errors import UnknownContract
from angel_x.services.halving import in_halves
from angel_x.services.trading.transaction import Steps
from angel_x.services.trading.venue_desk import VenueDesk
from angel_x.services.units import Unit

log = structlog.get_logger()

_AT_A_TIME = 500
#: Seconds after which an enforcement begins no other page, below the time limit of a task.
_MOST_SECONDS = 8.0
_ANY = frozenset(OrderStatus)
_STEPS = Steps(recorded=Step.CANCEL_ALL_RECORDED, committed=Step.CANCEL_ALL_COMMITTED)


#: Finds the open orders of an account in a selection, oldest first; of a sliced one its slices, and
#: none of a square-off.
FindOpenOrders = Callable[[int, OrderSelection], list[int]]


class ControlledOrders(Protocol):
    """The open orders that a trading state concerns."""

    def controlled_ids(self) -> Sequence[int]:
        """Return all of them, newest first."""

    def controlled(self, order_ids: Sequence[int]) -> Sequence[ControlledOrder]:
        """Return those of these orders that are still open, newest first."""


class CancelAll:
    """Cancels the open orders of accounts."""

    def __init__(
        self,
        *,
        desk: VenueDesk,
        find_open_orders: FindOpenOrders,
        unlisted: Callable[[OrderSelection], tuple[str, str] | None],
        transient: tuple[type[Exception], ...],
    ) -> None:
        self._desk = desk
        self._find_open_orders = find_open_orders
        #: Returns kind and name of the unlisted symbol or underlying of a selection, None if listed.
        self._unlisted = unlisted
        #: Errors of servers, not of orders.
        self._transient = transient

    def run(
        self, user_id: int, selection: OrderSelection, *, actor: str
    ) -> list[CancellationRecord]:
        """Cancel all open orders and return the outcome of each.

        A second call cancels only orders accepted since.

        Raises:
            UnknownContract: The symbol or underlying is not listed, and no order in it was open.
        """
        outcomes = self.sweep(user_id, selection, actor=actor, reason=CancelReason.REQUESTED)
        if not outcomes and (unknown := self._unlisted(selection)):
            raise UnknownContract(*unknown)
        return outcomes

    def sweep(
        self, user_id: int, selection: OrderSelection, *, actor: str, reason: CancelReason
    ) -> list[CancellationRecord]:
        """Cancel in the same way, for a reason of the system's own."""
        outcomes: dict[int, CancellationRecord] = {}

        def decide(_unit: Unit, claimed: Claim) -> bool:
            living = [order for order in claimed.orders if order.status in OPEN]
            self._desk.withdraw(claimed.book, living, reason)
            return True

        def cancel(order_ids: Sequence[int]) -> int:
            claimed = self._desk.run(
                lambda unit: unit.orders(order_ids, _ANY), decide, actor=actor, steps=_STEPS
            )
            canceled = {move.order.id for move in claimed.book.moves}
            outcomes.update({o.id: _record(o, canceled=o.id in canceled) for o in claimed.orders})
            return len(canceled)

        found = self._find_open_orders(user_id, selection)
        count = _in_batches(cancel, found, self._transient)
        if found:
            log.info("orders.canceled", user_id=user_id, count=count, reason=reason.value)
        return [outcomes[order_id] for order_id in sorted(outcomes)]


class Enforcement:
    """Cancels orders of all accounts that the trading states do not allow."""

    def __init__(
        self,
        *,
        desk: VenueDesk,
        orders: ControlledOrders,
        ask_again: Callable[[], bool],
        monotonic: Callable[[], float],
        transient: tuple[type[Exception], ...],
    ) -> None:
        self._desk = desk
        self._orders = orders
        self._ask_again = ask_again
        self._monotonic = monotonic
        #: Errors of servers, not of orders.
        self._transient = transient

    def run(self) -> int:
        """Cancel each order that is not allowed, newest first; return their number.

        Of two sales of one position the older one may stay.  An order whose cancellation fails is
        left for the next call.  A second call finds no others.  A call that takes too long asks for
        another one.
        """
        total, end = 0, self._monotonic() + _MOST_SECONDS
        for page in self._pages():
            if self._monotonic() >= end:
                self._ask_again()
                break
            forbidden = [order.id for order in page if not order.may_stand]
            total += _in_batches(self._cancel, forbidden, self._transient)
        if total:
            log.info("controls.enforced", canceled=total)
        return total

    def is_due(self) -> bool:
        """Return whether an open order is not allowed by the trading states."""
        return any(not order.may_stand for page in self._pages() for order in page)

    def _pages(self) -> Iterator[Sequence[ControlledOrder]]:
        """Yield all controlled orders that were open at the start, in time proportional to their number."""
        ids = self._orders.controlled_ids()
        for start in range(0, len(ids), _AT_A_TIME):
            yield self._orders.controlled(ids[start : start + _AT_A_TIME])

    def _cancel(self, order_ids: Sequence[int]) -> int:
        claimed = self._desk.run(
            lambda unit: unit.orders(order_ids, OPEN),
            self._decide,
            actor="kill-switch",
            steps=_STEPS,
        )
        return claimed.book.orders_moved

    def _decide(self, _unit: Unit, claimed: Claim) -> bool:
        """Cancel, newest first, each order that is not allowed, under the locks of the accounts."""
        for order in reversed(claimed.orders):
            if not claimed.book.may_stand(order):
                self._desk.withdraw(claimed.book, [order], CancelReason.KILL_SWITCH)
        return bool(claimed.book.moves)


def _in_batches(
    work: Callable[[Sequence[int]], int],
    order_ids: Sequence[int],
    transient: tuple[type[Exception], ...],
) -> int:
    return sum(
        in_halves(work, order_ids[start : start + _AT_A_TIME], transient=transient, give_up=_leave)
        for start in range(0, len(order_ids), _AT_A_TIME)
    )


def _leave(order_id: int, trace: str) -> int:
    log.error("order.uncanceled", order_id=order_id, detail=trace)
    return 0


def _record(order: Order, *, canceled: bool) -> CancellationRecord:
    return CancellationRecord(
        order_id=str(order.id),
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        status=order.status,
        filled_quantity=order.filled_quantity,
        canceled=canceled,
    )
