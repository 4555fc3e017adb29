"""Order rows for the store, and stored orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from angel_x.domain.orders.order import OrderRequest, OrderStatus

#: The name of an order in the store: its account and its client order id.
OrderKey = tuple[int, str]


class IntakeRow(NamedTuple):
    """An order to store."""

    user_id: int
    request: OrderRequest
    #: The fingerprint of the request.
    request_hash: bytes
    valid_until: datetime
    #: Units of each slice; empty where the order is not sliced.
    slice_sizes: tuple[int, ...] = ()

    @property
    def key(self) -> OrderKey:
        return self.user_id, self.request.client_order_id


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """A stored order under its key."""

    order_id: int
    status: OrderStatus
    request_hash: bytes
    #: Stored by this very call.
    is_new: bool
    #: The orders that it was sliced into just now.
    slice_ids: tuple[int, ...] = ()
