"""Orders as values: what an object pool spares, and what slots spare, measured with and without.

The pool hands out mutable orders that are filled again, as the guide has it; a frozen value cannot be
filled again, so what Angel-X uses is the variant without a pool.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field, fields, make_dataclass
from functools import partial
from typing import Any

from angel_x.domain.orders.order import (
    OrderRequest,
    OrderType,
    Priority,
    Product,
    Side,
    Validity,
)
from benchmarks.rows import Row, interleaved

#: Orders that are alive at once on the order path: those of a claim.
_ALIVE = 200

#: Makes an order of a number.
Make = Callable[[int], object]

#: The order of the domain as a class with a dictionary for each instance.
WithoutSlots: type[Any] = make_dataclass(
    "WithoutSlots",
    [(each.name, Any, field(default=each.default)) for each in fields(OrderRequest)],
    frozen=True,
    kw_only=True,
)


#: The order of the domain as a class whose instances are filled again.
PooledOrder: type[Any] = make_dataclass(
    "PooledOrder",
    [(each.name, Any, field(default=None)) for each in fields(OrderRequest)],
    slots=True,
)


class OrderPool:
    """Orders that were given back, to be filled again."""

    def __init__(self) -> None:
        self._free: list[Any] = []

    def take(self, number: int) -> Any:  # noqa: ANN401 - a class that is made
        """Return an order with the values of a number."""
        order = self._free.pop() if self._free else PooledOrder()
        order.client_order_id = f"order-{number}"
        order.symbol = "NIFTY_25AUG26_24000CE"
        order.side = Side.BUY
        order.quantity = 65
        order.order_type = OrderType.MARKET
        order.limit_price = order.trigger_price = order.tag = None
        order.validity = Validity.DAY
        order.product = Product.NORMAL
        order.priority = Priority.NORMAL
        return order

    def give_back(self, orders: Sequence[Any]) -> None:
        """Keep orders that are no longer used."""
        self._free.extend(orders)


def pool_row(rounds: int, orders: int) -> Row:
    """Measure the making of orders, a claim of them alive at once, the runs of the collector included."""
    pool = OrderPool()
    samples = interleaved(
        rounds,
        {
            "with a pool": lambda _: _seconds(partial(_reuse, pool, orders)) * 1e9 / orders,
            "frozen, without": lambda _: _seconds(partial(_make, orders)) * 1e9 / orders,
        },
    )
    return Row(
        name="making an order, object pool",
        unit="ns",
        reference="with a pool",
        measured="frozen, without",
        samples=samples,
    )


def slots_row(rounds: int, orders: int) -> Row:
    """Measure the memory of orders that are alive together, with slots and without."""
    samples = interleaved(
        rounds,
        {
            "without slots": lambda _: _bytes(partial(_order, WithoutSlots), orders),
            "with slots": lambda _: _bytes(partial(_order, OrderRequest), orders),
        },
    )
    return Row(
        name=f"memory of an order, {orders:,} alive",
        unit="bytes",
        reference="without slots",
        measured="with slots",
        samples=samples,
    )


def _order(make: Callable[..., object], number: int) -> object:
    return make(
        client_order_id=f"order-{number}",
        symbol="NIFTY_25AUG26_24000CE",
        side=Side.BUY,
        quantity=65,
        order_type=OrderType.MARKET,
    )


def _make(orders: int) -> None:
    for start in range(0, orders, _ALIVE):
        alive = [_order(OrderRequest, number) for number in range(start, start + _ALIVE)]
        del alive


def _reuse(pool: OrderPool, orders: int) -> None:
    for start in range(0, orders, _ALIVE):
        pool.give_back([pool.take(number) for number in range(start, start + _ALIVE)])


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _bytes(make: Make, orders: int) -> float:
    """Return the bytes of an order without those of the list that holds it."""
    with _traced() as used:
        alive = [make(number) for number in range(orders)]
        found = used() - alive.__sizeof__()
        del alive
    return found / orders


@contextmanager
def _traced() -> Iterator[Callable[[], int]]:
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
