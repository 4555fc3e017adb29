from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from angel_x.domain.orders.order import Priority
from angel_x.rehearsal.demo.demonstration import MIX
from angel_x.rehearsal.orders import Instrument, Mix, Request, make_requests
from angel_x.services.intake import order_form

INSTRUMENTS = [
    Instrument("NIFTY_01DEC26_24000CE", 65, Decimal("0.05"), Decimal("204.37")),
    Instrument("NIFTY_01DEC26_26000CE", 65, Decimal("0.05"), Decimal("0.07")),
]


def made_requests(count: int, seed: int = 1, mix: Mix = MIX) -> list[Request]:
    return list(make_requests("asha", INSTRUMENTS, count, Random(seed), mix))


@pytest.mark.parametrize("count", [1, 10, 777])
def test_the_requests_hold_exactly_the_orders_that_were_asked_for(count: int) -> None:
    orders = [order for each in made_requests(count) for order in each.orders]

    assert len(orders) == count
    assert len({order["client_order_id"] for order in orders}) == count


def test_the_same_seed_makes_the_same_orders() -> None:
    assert made_requests(200, seed=7) == made_requests(200, seed=7)
    assert made_requests(200, seed=7) != made_requests(200, seed=8)


def test_every_order_is_valid_in_lot_and_tick() -> None:
    lot, tick = INSTRUMENTS[0].lot_size, INSTRUMENTS[0].tick_size

    made = made_requests(500)
    assert sum(len(each.orders) for each in made) >= 500
    for each in made:
        requests = order_form.read({"orders": list(map(dict, each.orders))})
        assert len(requests) == len(each.orders)
        for request in requests:
            assert request.quantity % lot == 0
            assert request.limit_price is None or request.limit_price % tick == 0


def test_there_are_single_orders_batches_repeats_and_all_priorities() -> None:
    made = made_requests(1000)

    sizes = {len(each.orders) for each in made}
    assert 1 in sizes
    assert max(sizes) >= 20
    assert any(each.is_repeated for each in made)
    priorities = {order["priority"] for each in made for order in each.orders}
    assert priorities == {priority.value for priority in Priority}


def test_requests_are_spread_over_the_time_of_the_mix() -> None:
    mix = Mix(sizes={1: 1}, share_of_repeats=0, seconds=10)

    assert [each.at for each in made_requests(5, mix=mix)] == [0, 2, 4, 6, 8]
    assert {each.at for each in made_requests(5)} == {0}


def test_a_mix_has_the_sizes_and_repeats_that_it_names() -> None:
    mix = Mix(sizes={3: 1}, share_of_repeats=1)

    made = made_requests(7, mix=mix)

    assert [len(each.orders) for each in made] == [3, 3, 1]
    assert all(each.is_repeated for each in made)
