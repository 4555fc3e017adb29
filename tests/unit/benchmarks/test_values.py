from __future__ import annotations

from dataclasses import asdict

from angel_x.domain.orders.order import OrderRequest, OrderType, Side
from benchmarks.values import OrderPool, WithoutSlots, pool_row, slots_row


def test_a_pool_hands_out_what_was_given_back_filled_anew() -> None:
    pool = OrderPool()
    first = pool.take(1)
    pool.give_back([first])

    second = pool.take(2)

    assert second is first
    assert asdict(second) == asdict(
        OrderRequest("order-2", "NIFTY_25AUG26_24000CE", Side.BUY, 65, OrderType.MARKET)
    )
    assert pool.take(3) is not second


def test_the_order_without_slots_has_the_fields_of_the_order() -> None:
    given = {"client_order_id": "a", "symbol": "X", "side": Side.BUY, "quantity": 65,
             "order_type": OrderType.MARKET}  # fmt: skip

    assert asdict(WithoutSlots(**given)) == asdict(OrderRequest(**given))  # type: ignore[arg-type]
    assert hasattr(WithoutSlots(**given), "__dict__")
    assert not hasattr(OrderRequest(**given), "__dict__")  # type: ignore[arg-type]


def test_slots_take_less_memory() -> None:
    assert slots_row(2, 2_000).times_better > 1


def test_a_pool_is_measured_beside_frozen_orders() -> None:
    row = pool_row(2, 400)

    assert {name: len(samples) for name, samples in row.samples.items()} == {
        "with a pool": 2,
        "frozen, without": 2,
    }
    assert row.statistics(row.measured).min > 0
