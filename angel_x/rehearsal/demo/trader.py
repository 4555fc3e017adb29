"""One client of the system: a thread that trades for one account."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Event
from typing import TYPE_CHECKING

from angel_x.domain.orders.order import OrderType, Validity
from angel_x.errors import Conflict
from angel_x.rehearsal.demo.promises import Promises
from angel_x.rehearsal.orders import Call

if TYPE_CHECKING:
    from angel_x.client import Client, OrderFields
    from angel_x.domain.records.statement import OrderReceipt

#: One in so many orders that may rest is canceled.
_CANCEL_EVERY = 12


class Trader:
    """Hands in the orders of one account and remembers what it was told."""

    def __init__(
        self, name: str, client: Client, promises: Promises, advance: Callable[[int], None]
    ) -> None:
        self._name = name
        self._client = client
        self._promises = promises
        self._advance = advance
        self._may_rest: list[str] = []

    def trade(self, calls: Iterable[Call], stop: Event) -> None:
        """Make every call, then cancel a few orders that may still rest."""
        for call in calls:
            if stop.is_set():
                return
            self._call(call)
        for order_id in self._may_rest[::_CANCEL_EVERY]:
            if stop.is_set():
                return
            self._cancel(order_id)

    def _call(self, call: Call) -> None:
        receipts = self._submit(call)
        if call.is_repeated:
            self._submit(call)
            self._promises.count_replay(len(call.orders))
        self._advance(len(call.orders))
        self._may_rest += [
            receipt.order_id
            for order, receipt in zip(call.orders, receipts, strict=True)
            if _may_rest(order)
        ]

    def _submit(self, call: Call) -> list[OrderReceipt]:
        single = len(call.orders) == 1
        receipts = self._client.submit(call.orders[0] if single else call.orders)
        self._promises.keep(self._name, receipts)
        return receipts

    def _cancel(self, order_id: str) -> None:
        try:
            self._client.cancel(order_id)
        except Conflict:
            # It traded, or was denied, before it could be canceled.
            self._promises.count_cancel("too late")
        else:
            self._promises.count_cancel("canceled")


def _may_rest(order: OrderFields) -> bool:
    is_limit = order["order_type"] == OrderType.LIMIT.value
    return is_limit and order.get("validity") == Validity.DAY.value
