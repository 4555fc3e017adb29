"""Where the orders of a basket stand, read from a real database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine

from angel_x.adapters.postgres.basket_legs import BasketLegs
from angel_x.adapters.postgres.workflows import Workflows
from angel_x.domain.basket import Leg
from angel_x.domain.order import OrderStatus, Product, Side
from angel_x.domain.workflow import WorkflowKind
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.chains import make_universe
from tests.builders.stored_orders import StoredOrder, store_orders

UNIVERSE = make_universe(expiries=(date(2026, 8, 25),), strikes=(24_000,))
CALL, PUT = UNIVERSE.symbols
RECEIVED = OrderStatus.RECEIVED


@pytest.fixture
def legs(engine: Engine) -> BasketLegs:
    list_contracts(engine, UNIVERSE)
    open_accounts(engine, 1)
    return BasketLegs(engine)


@pytest.fixture
def plain(engine: Engine, legs: BasketLegs) -> StoredOrder:
    """A leg that waits in a new basket."""
    basket = new_basket(engine, "one")
    return StoredOrder(user_id=1, symbol=CALL, status=RECEIVED, held=True, basket_id=basket)


def new_basket(engine: Engine, key: str) -> int:
    workflow, _ = Workflows(engine).start(
        1, WorkflowKind.BASKET, key, request_hash=b"", spec={}, actor="test"
    )
    return workflow.id


def of(legs: BasketLegs, plain: StoredOrder) -> list[Leg]:
    assert plain.basket_id is not None
    return legs.of(plain.basket_id)


def test_a_leg_comes_with_everything_that_the_next_step_depends_on(
    engine: Engine, legs: BasketLegs, plain: StoredOrder
) -> None:
    other = replace(plain, basket_id=new_basket(engine, "two"))
    sold = replace(
        plain, symbol=PUT, side="SELL", product="MIS", quantity=130, filled=13,
        status=OrderStatus.CANCELED, reason="REQUESTED", held=False, name="basket one 2",
    )  # fmt: skip
    ids = store_orders(engine, {"other": other, "basket one 1": plain, "sold": sold})

    first, second = of(legs, plain)
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
    engine: Engine, legs: BasketLegs, plain: StoredOrder
) -> None:
    ids = store_orders(engine, dict.fromkeys("abc", plain))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET tag = '' WHERE id = %s", (ids["a"],))

    assert [leg.order_id for leg in of(legs, plain)] == sorted(ids.values())


@pytest.mark.parametrize("status", sorted(OrderStatus))
@pytest.mark.parametrize("held", [True, False])
def test_a_leg_is_held_while_it_waits_and_was_not_released(
    engine: Engine, legs: BasketLegs, plain: StoredOrder, status: OrderStatus, *, held: bool
) -> None:
    store_orders(engine, {"it": replace(plain, status=status, held=held)})

    (leg,) = of(legs, plain)

    assert leg.is_held is (held and status is RECEIVED)


@pytest.mark.parametrize(
    ("first", "second", "is_held"),
    [(True, True, True), (False, True, True), (True, False, True), (False, False, False)],
)
def test_a_sliced_leg_is_one_leg_of_its_slices_and_held_while_any_of_them_is(
    engine: Engine,
    legs: BasketLegs,
    plain: StoredOrder,
    *,
    first: bool,
    second: bool,
    is_held: bool,
) -> None:
    ids = store_orders(engine, {"parent": replace(plain, slices=2, quantity=130)})
    of_parent = replace(plain, parent_id=ids["parent"])
    ids |= store_orders(
        engine, {"a": replace(of_parent, held=first), "b": replace(of_parent, held=second)}
    )
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET tag = '' WHERE id = %s", (ids["a"],))

    (leg,) = of(legs, plain)

    assert (leg.order_id, leg.quantity) == (ids["parent"], 130)
    assert leg.parts == (ids["a"], ids["b"])
    assert leg.is_held is is_held
