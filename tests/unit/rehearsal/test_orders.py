from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from angel_x.domain.orders.order import Priority
from angel_x.rehearsal.orders import Call, Instrument, make_calls
from angel_x.services.intake import order_form

INSTRUMENTS = [
    Instrument("NIFTY_01DEC26_24000CE", 65, Decimal("0.05"), Decimal("204.37")),
    Instrument("NIFTY_01DEC26_26000CE", 65, Decimal("0.05"), Decimal("0.07")),
]


def calls(count: int, seed: int = 1) -> list[Call]:
    return list(make_calls("asha", INSTRUMENTS, count, Random(seed)))


@pytest.mark.parametrize("count", [1, 10, 777])
def test_the_calls_hold_exactly_the_orders_that_were_asked_for(count: int) -> None:
    orders = [order for call in calls(count) for order in call.orders]

    assert len(orders) == count
    assert len({order["client_order_id"] for order in orders}) == count


def test_the_same_seed_makes_the_same_orders() -> None:
    assert calls(200, seed=7) == calls(200, seed=7)
    assert calls(200, seed=7) != calls(200, seed=8)


def test_every_order_is_valid_in_lot_and_tick() -> None:
    lot, tick = INSTRUMENTS[0].lot_size, INSTRUMENTS[0].tick_size

    made = calls(500)
    assert sum(len(call.orders) for call in made) >= 500
    for call in made:
        requests = order_form.read({"orders": list(map(dict, call.orders))})
        assert len(requests) == len(call.orders)
        for request in requests:
            assert request.quantity % lot == 0
            assert request.limit_price is None or request.limit_price % tick == 0


def test_there_are_single_orders_batches_repeats_and_all_priorities() -> None:
    made = calls(1000)

    sizes = {len(call.orders) for call in made}
    assert 1 in sizes
    assert max(sizes) >= 20
    assert any(call.is_repeated for call in made)
    priorities = {order["priority"] for call in made for order in call.orders}
    assert priorities == {priority.value for priority in Priority}
