"""Submitting, reading, amending and canceling orders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from urllib.parse import quote
from uuid import uuid4

import msgspec

from angel_x.client.connection import Connection, OrderFields, Price, listed, stated, with_query
from angel_x.domain.orders.order import OrderStatus
from angel_x.domain.records.order_record import (
    OrderHistory,
    OrderPage,
    OrderReceipt,
    OrderReceipts,
    OrderRecord,
)


class OrderCalls(Connection):
    """Calls on single orders."""

    def submit(self, orders: OrderFields | Iterable[OrderFields]) -> list[OrderReceipt]:
        """Submit one order, or several of which all are accepted or none is.

        An order without ``client_order_id`` gets one.  Orders that are submitted again under the
        same id are answered with the first receipt and trade once.

        Raises:
            InvalidRequest: With the index, field and value of each fault.
            Conflict: An order of other content has one of the client order ids.
            Overloaded: Too many orders wait, even after the retries.
            Unavailable: There was no answer; the same orders may be submitted again.
        """
        named = [_named(order) for order in listed(orders)]
        body = msgspec.json.encode({"orders": named})
        return list(self._call("POST", "/v1/orders", OrderReceipts, body=body).orders)

    def order(self, order_id: str) -> OrderHistory:
        """Return an order with its events and fills."""
        return self._call("GET", f"/v1/orders/{quote(order_id, safe='')}", OrderHistory)

    def submission(self, client_order_id: str) -> OrderHistory:
        """Return the status of a submission by its client order id, from the API or the message broker.

        Raises:
            InvalidRequest: It was refused; the error has the reason.
            NotFound: No submission with this id has arrived (yet).
        """
        path = f"/v1/submissions/{quote(client_order_id, safe='')}"
        return self._call("GET", path, OrderHistory)

    def orders(
        self,
        *,
        status: OrderStatus | str | None = None,
        symbol: str | None = None,
        client_order_id: str | None = None,
        parent_id: str | None = None,
        basket_id: str | None = None,
        since: datetime | None = None,
        page_size: int = 100,
    ) -> Iterator[OrderRecord]:
        """Yield orders, the newest first, reading page after page.

        Slices are left out, unless those of one ``parent_id`` are asked for.
        """
        wanted: dict[str, object] = {"status": status, "symbol": symbol, "limit": page_size}
        wanted |= {"client_order_id": client_order_id, "parent_id": parent_id}
        wanted["basket_id"] = basket_id
        wanted["since"] = None if since is None else since.isoformat()
        while True:
            page = self._call("GET", with_query("/v1/orders", wanted), OrderPage)
            yield from page.orders
            if page.next is None:
                return
            wanted["cursor"] = page.next

    def order_page(
        self,
        *,
        status: OrderStatus | str | None = None,
        symbol: str | None = None,
        cursor: str | None = None,
        page_size: int = 100,
    ) -> OrderPage:
        """Return one page of orders, the newest first, behind the ``next`` of an earlier page.

        The status ``open`` takes all that are not closed.
        """
        wanted = {"status": status, "symbol": symbol, "cursor": cursor, "limit": page_size}
        return self._call("GET", with_query("/v1/orders", wanted), OrderPage)

    def modify(
        self,
        order_id: str,
        *,
        price: Price | None = None,
        trigger_price: Price | None = None,
        quantity: int | None = None,
    ) -> OrderHistory:
        """Amend an open order and return it; fields that are None stay unchanged.

        Raises:
            InvalidRequest: With the field and value of each fault.
            Conflict: It is closed, on its way to the venue, or the amendment is refused.
        """
        body = stated(price=price, trigger_price=trigger_price, quantity=quantity)
        # Not retried: before a second attempt the order may have traded.
        path = f"/v1/orders/{quote(order_id, safe='')}"
        return self._call("PATCH", path, OrderHistory, body=body, retries=0)

    def cancel(self, order_id: str) -> OrderHistory:
        """Cancel the open quantity of an order and return the order.

        Raises:
            Conflict: It is closed already.
        """
        # Not retried: if only the answer of a first attempt was lost, a second one is a conflict.
        path = f"/v1/orders/{quote(order_id, safe='')}"
        return self._call("DELETE", path, OrderHistory, retries=0)


def _named(order: OrderFields) -> OrderFields:
    if order.get("client_order_id") is not None:
        return order
    return {**order, "client_order_id": uuid4().hex}
