"""Accepted orders in memory, stored by the rules of the orders table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from angel_x.domain.orders.order import OrderRequest, OrderStatus
from angel_x.services.intake.acceptance import IntakeRow

#: An account and a client order id.
Key = tuple[int, str]


@dataclass(frozen=True)
class Stored:
    """A stored order under its client order id."""

    order_id: int
    status: OrderStatus
    request_hash: bytes
    is_new: bool
    slice_ids: tuple[int, ...] = ()


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
    ) -> dict[Key, Stored]:
        """Store what is new; store nothing at all where a hash differs."""
        self.stores += 1
        if self.failure is not None:
            raise self.failure()
        found = self._found([(user_id, request.client_order_id) for user_id, request, *_ in rows])
        added: list[Kept] = []
        for user_id, request, digest, until, slices in rows:
            key = user_id, request.client_order_id
            if key in found:
                continue
            whole = Kept(next(self._ids), user_id, request, digest, until, actor)
            whole.is_held = bool(slices) or basket_id is not None
            parts = [self._part(whole, *numbered, basket_id) for numbered in enumerate(slices, 1)]
            ids = tuple(part.order_id for part in parts)
            found[key] = Stored(whole.order_id, whole.status, digest, is_new=True, slice_ids=ids)
            added += [whole, *parts]
        if all(found[u, r.client_order_id].request_hash == digest for u, r, digest, *_ in rows):
            self.rows += added
        return found

    def known(self, keys: Sequence[Key]) -> dict[Key, Stored]:
        """Return what is stored under accounts and client order ids."""
        self.looks += 1
        return self._found(keys)

    def _found(self, keys: Sequence[Key]) -> dict[Key, Stored]:
        return {
            (row.user_id, row.request.client_order_id): Stored(
                row.order_id, row.status, row.digest, is_new=False
            )
            for row in self.rows
            if (row.user_id, row.request.client_order_id) in keys
        }

    def waiting(self) -> int:
        """Return how many orders are received and not decided."""
        return sum(row.status is OrderStatus.RECEIVED and not row.is_held for row in self.rows)

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
