"""Submitting and following baskets."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote
from uuid import uuid4

import msgspec

from angel_x.client.connection import Connection, OrderFields
from angel_x.domain.workflows.basket import BasketRecord, OnRefusal


class BasketCalls(Connection):
    """Baskets: orders that are checked and traded together."""

    def basket(
        self,
        orders: Iterable[OrderFields],
        *,
        basket_id: str | None = None,
        on_refusal: OnRefusal | str = OnRefusal.KEEP,
    ) -> BasketRecord:
        """Submit a basket: margin is checked for all orders together, and hedges trade first.

        The orders have no client order id.  A second call with the same ``basket_id`` and content
        returns the same basket.

        Raises:
            InvalidRequest: With the index, field and value of each fault.
            Conflict: A basket of other content has this id.
            Overloaded: Too many orders wait, even after the retries.
            Unavailable: There was no answer; the same basket may be submitted again.
        """
        content = {
            "basket_id": basket_id or uuid4().hex,
            "orders": list(orders),
            "on_refusal": on_refusal,
        }
        return self._call("POST", "/v1/baskets", BasketRecord, body=msgspec.json.encode(content))

    def read_basket(self, basket_id: str) -> BasketRecord:
        """Return a basket with its orders."""
        return self._call("GET", f"/v1/baskets/{quote(basket_id, safe='')}", BasketRecord)
