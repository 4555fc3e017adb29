"""One contract of transactions over accounts and orders: who waits for whom."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.exc import OperationalError

from angel_x.domain.orders.order import OPEN, Product
from angel_x.services.units import Unit
from tests.fakes.units import WouldWait
from tests.integration.contracts.worlds import UNIVERSE, World

READS: dict[str, Callable[[Unit, int], object]] = {
    "claim": lambda unit, order_id: unit.claim([order_id], 5),
    "claim in turn": lambda unit, order_id: unit.claim([order_id], 5, waits=True),
    "orders": lambda unit, order_id: unit.orders([order_id], OPEN),
    "with slices": lambda unit, order_id: unit.with_slices(order_id),
    "abandoned": lambda unit, order_id: unit.abandoned([order_id]),
}


@pytest.mark.parametrize(
    ("first", "second"),
    [*((read, "orders") for read in READS), *(("claim", r) for r in READS if r != "claim")],
)
def test_an_account_is_held_by_one_transaction_until_it_ends(
    world: World, user: int, first: str, second: str
) -> None:
    mine, sibling = world.order(user), world.order(user)

    with world.units.begin() as unit:
        READS[first](unit, mine)
        with world.hasty.begin() as other, pytest.raises((WouldWait, OperationalError)):
            READS[second](other, sibling)

    with world.hasty.begin() as other:
        READS[second](other, sibling)


@pytest.mark.parametrize("read", READS)
def test_a_commit_lets_the_next_one_in(world: World, user: int, read: str) -> None:
    mine, sibling = world.order(user), world.order(user)

    with world.units.begin() as unit:
        READS[read](unit, mine)
        unit.commit()
        with world.hasty.begin() as other:
            READS[read](other, sibling)


@pytest.mark.parametrize("read", READS)
def test_an_account_waits_for_no_other_one(world: World, user: int, read: str) -> None:
    mine, other_order = world.order(user), world.order(world.account())

    with world.units.begin() as unit, world.hasty.begin() as other:
        READS[read](unit, mine)
        READS[read](other, other_order)


def test_what_is_only_looked_at_waits_for_nobody(world: World, user: int) -> None:
    order_id = world.order(user)

    with world.units.begin() as unit, world.hasty.begin() as other:
        unit.orders([order_id], OPEN)
        assert set(other.holdings(user, [(UNIVERSE.symbols[0], Product.NORMAL)]).accounts) == {user}
        assert other.unknown([order_id]) == set()
