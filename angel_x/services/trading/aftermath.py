"""Actions after a commit: live events, dirty portfolios, metrics.

All of them can be lost and rebuilt from the database, so a failure is logged and never undoes or
repeats a trade.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import structlog

from angel_x.domain.book.book import Book
from angel_x.domain.book.moves import Move, ParentOrder
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import RESTING
from angel_x.services.ports import Dispatcher, Meter, Publish
from angel_x.services.trading.match_requests import RestingContracts

log = structlog.get_logger()


#: Marks accounts as changed since their last valuation; returns those that were not marked before.
MarkDirty = Callable[[list[int]], list[int]]


class Aftermath:
    """Publishes the changes of a book."""

    def __init__(
        self,
        *,
        publish: Publish,
        mark_dirty: MarkDirty,
        resting: RestingContracts,
        dispatcher: Dispatcher,
        meter: Meter,
        unreachable: tuple[type[Exception], ...],
        log_decisions: bool = False,
    ) -> None:
        self._publish = publish
        self._mark_dirty = mark_dirty
        self._resting = resting
        self._dispatcher = dispatcher
        self._meter = meter
        #: The exceptions that mean an unavailable cache or message broker.
        self._unreachable = unreachable
        self._log_decisions = log_decisions

    def tell(
        self, book: Book, parents: Sequence[ParentOrder] = (), elapsed_seconds: float = 0.0
    ) -> None:
        """Publish the moves of a committed book and the sliced orders that followed their slices.

        ``elapsed_seconds`` have passed since its orders were read.
        """
        self._count(book, elapsed_seconds)
        if self._log_decisions:
            _log(book, elapsed_seconds)
        try:
            moves = [_event(move) for move in book.moves]
            self._publish([*moves, *map(_parent_event, parents)])
            self._resting.note({m.order.symbol for m in book.moves if m.status in RESTING})
            self._value(sorted({fill.order.user_id for fill in book.fills}))
        except self._unreachable as error:
            log.warning("aftermath.lost", moves=len(book.moves), error=str(error))

    def value(self, user_ids: Sequence[int]) -> None:
        """Ask for the valuation of accounts whose positions have changed without a fill."""
        try:
            self._value(user_ids)
        except self._unreachable as error:
            log.warning("aftermath.lost", moves=0, error=str(error))

    def _value(self, user_ids: Sequence[int]) -> None:
        if user_ids and (fresh := self._mark_dirty(list(user_ids))):
            self._dispatcher.value_soon(fresh)

    def _count(self, book: Book, elapsed_seconds: float) -> None:
        by_status: dict[str, int] = {}
        for move in book.moves:
            by_status[move.status.value] = by_status.get(move.status.value, 0) + 1
            self._meter.observe(
                Metric.ORDER_LATENCY_SECONDS,
                move.order.age_seconds + elapsed_seconds,
                priority=move.order.priority.value,
            )
        for status, count in by_status.items():
            self._meter.add(Metric.ORDERS_PROCESSED, count, status=status)


def _log(book: Book, elapsed_seconds: float) -> None:
    """Write a line for each move; ``seconds`` have passed since its order was accepted."""
    for move in book.moves:
        order = move.order
        log.info(
            "order.decided",
            order_id=order.id,
            user_id=order.user_id,
            lane=order.priority.value,
            attempt=order.attempt,
            status=move.status.value,
            reason=move.reason,
            seconds=round(order.age_seconds + elapsed_seconds, 6),
            batch_seconds=round(elapsed_seconds, 6),
        )


def _event(move: Move) -> Mapping[str, object]:
    order = move.order
    return {
        "user_id": order.user_id,
        "kind": "order",
        "order_id": str(order.id),
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "status": move.status.value,
        "reason": move.reason,
        "quantity": order.quantity,
        "filled_quantity": order.filled_quantity,
        "average_price": _text(order.average_price),
        **({} if order.parent_id is None else {"parent_id": str(order.parent_id)}),
    }


def _parent_event(parent: ParentOrder) -> Mapping[str, object]:
    return {
        "user_id": parent.user_id,
        "kind": "order",
        "order_id": str(parent.order_id),
        "client_order_id": parent.client_order_id,
        "symbol": parent.symbol,
        "side": parent.side,
        "status": parent.status,
        "reason": parent.reason,
        "quantity": parent.quantity,
        "filled_quantity": parent.filled_quantity,
        "average_price": _text(parent.average_price),
    }


def _text(price: Decimal | None) -> str | None:
    return None if price is None else str(price)
