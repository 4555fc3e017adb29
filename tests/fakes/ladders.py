"""The ladders of the orders that rest in tables in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.exchange.ladders import LADDER, RUNG
from angel_x.domain.orders.order import RESTING, Order, OrderStatus, Side
from angel_x.domain.values.money import paise
from tests.fakes.tables import Tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

_Key = tuple[int, bool, bool]


class MemoryLadders:
    """Goes through all orders; remembers which contracts were searched, None for all of them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.searches: list[list[str] | None] = []

    def best(self, universe: Universe, ladders: NDArray[np.void] | None) -> NDArray[np.void]:
        wanted = None if ladders is None else {_key(lad): int(lad["level"]) for lad in ladders}
        named = None if wanted is None else sorted({row for row, _, _ in wanted})
        self.searches.append(None if named is None else [universe.symbol(row) for row in named])
        found: dict[_Key, int] = {}
        for key, level, _ in sorted(self._resting(universe), key=lambda each: each[:2]):
            if wanted is None or level <= wanted.get(key, level - 1):
                found.setdefault(key, level)
        return np.array([(*key, level) for key, level in found.items()], LADDER)

    def page(
        self,
        universe: Universe,
        ladders: NDArray[np.void],
        after: NDArray[np.void],
        each: int,
    ) -> NDArray[np.void]:
        found: list[tuple[int, ...]] = []
        for number, (ladder, place) in enumerate(zip(ladders, after, strict=True)):
            ranked = sorted(
                (level, order.time_priority, order.id, order.leaves_quantity)
                for key, level, order in self._resting(universe)
                if key == _key(ladder)
                and level <= ladder["level"]
                and (level, order.time_priority) > (place["level"], place["time_priority"])
            )
            found += [
                (number, order_id, level, rank, leaves)
                for level, rank, order_id, leaves in ranked[:each]
            ]
        return np.array(found, RUNG)

    def _resting(self, universe: Universe) -> Iterator[tuple[_Key, int, Order]]:
        for row in self._tables.rows.values():
            order = row.order
            if order.status in RESTING and order.limit_price is not None and not row.slices:
                yield _place(universe.rows.get(order.symbol, -1), order)


def _place(row: int, order: Order) -> tuple[_Key, int, Order]:
    is_buy, is_stopped = order.side is Side.BUY, order.status is OrderStatus.TRIGGER_PENDING
    price = order.trigger_price if is_stopped else order.limit_price
    assert price is not None
    return (row, is_buy, is_stopped), paise(price) * (1 if is_buy is is_stopped else -1), order


def _key(ladder: np.void) -> _Key:
    return int(ladder["row"]), bool(ladder["is_buy"]), bool(ladder["is_stopped"])
