"""Paper twins in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from angel_x.domain.orders.order import RESTING, Order


@dataclass
class MemoryTwins:
    """The store of twins; a transaction that raises keeps nothing."""

    twins: dict[int, Order] = field(default_factory=dict)
    #: The moment of the last fill, by order.
    filled_at: dict[int, datetime] = field(default_factory=dict)
    #: Orders that were canceled at the exchange.
    canceled_orders: set[int] = field(default_factory=set)

    @contextmanager
    def begin(self) -> Iterator[MemoryTwinUnit]:
        unit = MemoryTwinUnit(self)
        yield unit
        for twin, at in unit.saved:
            known = self.twins.get(twin.id)
            if twin.filled_quantity > (known.filled_quantity if known else 0):
                self.filled_at[twin.id] = at
            self.twins[twin.id] = twin


@dataclass
class MemoryTwinUnit:
    """One transaction with twins in memory."""

    store: MemoryTwins
    saved: list[tuple[Order, datetime]] = field(default_factory=list)

    def known(self, order_ids: Sequence[int]) -> set[int]:
        return set(order_ids) & self.store.twins.keys()

    def open(self, symbols: Collection[str] | None = None) -> list[Order]:
        found = (self.store.twins[number] for number in sorted(self.store.twins))
        is_wanted = [t for t in found if symbols is None or t.symbol in symbols]
        return [replace(twin) for twin in is_wanted if twin.status in RESTING]

    def canceled(self) -> set[int]:
        return {twin.id for twin in self.open()} & self.store.canceled_orders

    def save(self, twins: Sequence[Order], at: datetime) -> None:
        self.saved += [(replace(twin), at) for twin in twins]
