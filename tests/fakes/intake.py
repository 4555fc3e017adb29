"""Accepted orders in memory, stored by the rules of the orders table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from angel_x.domain.orders.intake import IntakeRow, KnownOrder, OrderKey
from angel_x.domain.orders.order import OrderRequest, OrderStatus


@dataclass
class Kept:
    """One row: an order, or a slice of one."""

    order_id: int
    user_id: int
    request: OrderRequest
    digest: bytes
    valid_until: datetime
    actor: str
    parent_id: int | None = None
    is_held: bool = False
    status: OrderStatus = OrderStatus.RECEIVED


@dataclass
class MemoryIntake:
    """Where acceptance stores orders, without a database."""

    rows: list[Kept] = field(default_factory=list)
    #: How many transactions were asked for.
    stores: int = 0
    #: How often it was asked for what is stored.
    looks: int = 0
    #: Makes the error with which every transaction ends, None where they succeed.
    failure: Callable[[], Exception] | None = None
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def store(
        self, rows: Sequence[IntakeRow], actor: str, basket_id: int | None = None
    ) -> dict[OrderKey, KnownOrder]:
        """Store what is new; store nothing at all where a hash differs."""
        self.stores += 1
        if self.failure is not None:
            raise self.failure()
        found = self._found([row.key for row in rows])
        added: list[Kept] = []
        for row in rows:
            if row.key in found:
                continue
            digest = row.request_hash
            whole = Kept(next(self._ids), row.user_id, row.request, digest, row.valid_until, actor)
            whole.is_held = bool(row.slice_sizes) or basket_id is not None
            sizes = enumerate(row.slice_sizes, 1)
            parts = [self._part(whole, *numbered, basket_id) for numbered in sizes]
            ids = tuple(part.order_id for part in parts)
            found[row.key] = KnownOrder(
                whole.order_id, whole.status, digest, is_new=True, slice_ids=ids
            )
            added += [whole, *parts]
        if all(found[row.key].request_hash == row.request_hash for row in rows):
            self.rows += added
        return found

    def known(self, keys: Sequence[OrderKey]) -> dict[OrderKey, KnownOrder]:
        """Return what is stored under accounts and client order ids."""
        self.looks += 1
        return self._found(keys)

    def _found(self, keys: Sequence[OrderKey]) -> dict[OrderKey, KnownOrder]:
        return {
            (row.user_id, row.request.client_order_id): KnownOrder(
                row.order_id, row.status, row.digest, is_new=False
            )
            for row in self.rows
            if (row.user_id, row.request.client_order_id) in keys
        }

    def waiting(self) -> dict[int, int]:
        """Return how many orders of each account are received and not decided."""
        open_rows = (r for r in self.rows if r.status is OrderStatus.RECEIVED and not r.is_held)
        return dict(Counter(row.user_id for row in open_rows))

    def become(self, order_id: int, status: OrderStatus) -> None:
        """Let an order have come to a status."""
        (row,) = (row for row in self.rows if row.order_id == order_id)
        row.status = status

    def _part(self, whole: Kept, place: int, quantity: int, basket_id: int | None) -> Kept:
        name = f"{whole.request.client_order_id} {place}"
        request = replace(whole.request, client_order_id=name, quantity=quantity)
        return replace(
            whole,
            order_id=next(self._ids),
            request=request,
            parent_id=whole.order_id,
            is_held=basket_id is not None,
        )
