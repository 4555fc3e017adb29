"""Where the orders of a basket stand, from the database and from memory alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from angel_x.domain.orders.order import OrderStatus, Product, Side
from angel_x.domain.workflows.basket import Leg
from angel_x.domain.workflows.workflow import WorkflowKind
from tests.builders.stored_orders import StoredOrder
from tests.integration.contracts.places import UNIVERSE, Store

CALL, PUT = UNIVERSE.symbols[:2]
RECEIVED = OrderStatus.RECEIVED


@pytest.fixture
def plain(store: Store) -> StoredOrder:
    """A leg that waits in a new basket."""
    return StoredOrder(
        user_id=1, symbol=CALL, status=RECEIVED, held=True, basket_id=new_basket(store, "one")
    )


def new_basket(store: Store, key: str) -> int:
    workflow, _ = store.workflows.start(
        1, WorkflowKind.BASKET, key, request_hash=b"", spec={}, actor="test"
    )
    return workflow.id


def of(store: Store, plain: StoredOrder) -> list[Leg]:
    assert plain.basket_id is not None
    return store.legs.read(plain.basket_id)


def test_a_leg_comes_with_everything_that_the_next_action_depends_on(
    store: Store, plain: StoredOrder
) -> None:
    other = replace(plain, basket_id=new_basket(store, "two"))
    sold = replace(
        plain, symbol=PUT, side="SELL", product="MIS", quantity=130, filled=13,
        status=OrderStatus.CANCELED, reason="REQUESTED", held=False, name="basket one 2",
    )  # fmt: skip
    ids = store.orders(**{"other": other, "basket one 1": plain, "sold": sold})

    first, second = of(store, plain)
    assert first == Leg(
        order_id=ids["basket one 1"],
        client_order_id="basket one 1",
        symbol=CALL,
        side=Side.BUY,
        product=Product.NORMAL,
        quantity=65,
        filled_quantity=0,
        status=RECEIVED,
        reason=None,
        is_held=True,
        parts=(ids["basket one 1"],),
    )
    assert second == Leg(
        order_id=ids["sold"],
        client_order_id="basket one 2",
        symbol=PUT,
        side=Side.SELL,
        product=Product.INTRADAY,
        quantity=130,
        filled_quantity=13,
        status=OrderStatus.CANCELED,
        reason="REQUESTED",
        is_held=False,
        parts=(ids["sold"],),
    )


def test_the_oldest_leg_comes_first_whatever_was_written_last(
    store: Store, plain: StoredOrder
) -> None:
    ids = store.orders(**dict.fromkeys("abc", plain))
    store.stir(ids["a"])

    assert [leg.order_id for leg in of(store, plain)] == sorted(ids.values())


@pytest.mark.parametrize("status", sorted(OrderStatus))
@pytest.mark.parametrize("held", [True, False])
def test_a_leg_is_held_while_it_waits_and_was_not_released(
    store: Store, plain: StoredOrder, status: OrderStatus, *, held: bool
) -> None:
    store.orders(it=replace(plain, status=status, held=held))

    (leg,) = of(store, plain)

    assert leg.is_held is (held and status is RECEIVED)


@pytest.mark.parametrize(
    ("first", "second", "is_held"),
    [(True, True, True), (False, True, True), (True, False, True), (False, False, False)],
)
def test_a_sliced_leg_is_one_leg_of_its_slices_and_held_while_any_of_them_is(
    store: Store,
    plain: StoredOrder,
    *,
    first: bool,
    second: bool,
    is_held: bool,
) -> None:
    ids = store.orders(parent=replace(plain, slices=2, quantity=130))
    of_parent = replace(plain, parent_id=ids["parent"])
    ids |= store.orders(a=replace(of_parent, held=first), b=replace(of_parent, held=second))
    store.stir(ids["a"])

    (leg,) = of(store, plain)

    assert (leg.order_id, leg.quantity) == (ids["parent"], 130)
    assert leg.parts == (ids["a"], ids["b"])
    assert leg.is_held is is_held
