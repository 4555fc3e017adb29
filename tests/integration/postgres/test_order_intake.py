"""How accepted orders stand in their table; what acceptance sees of it is in the contract with memory."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, event

from angel_x.adapters.postgres.order_intake import OrderIntake
from angel_x.adapters.postgres.workflows import PostgresWorkflows
from angel_x.domain.orders.intake import IntakeRow
from angel_x.domain.orders.order import OrderRequest, OrderType, Priority, Product, Side, Validity
from angel_x.domain.orders.step import Step
from angel_x.domain.workflows.workflow import WorkflowKind
from angel_x.services.intake.acceptance import fingerprint
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.reception import CALL, PUT, UNIVERSE, order

UNTIL = datetime(2026, 8, 19, 10, 10, tzinfo=UTC)
LATER = datetime(2026, 8, 25, 10, 10, tzinfo=UTC)
#: Two orders that agree in nothing.
STOP = OrderRequest(
    client_order_id="stop",
    symbol=CALL,
    side=Side.SELL,
    quantity=195,
    order_type=OrderType.STOP_LIMIT,
    limit_price=Decimal("99.05"),
    trigger_price=Decimal("99.50"),
    validity=Validity.DAY,
    product=Product.INTRADAY,
    priority=Priority.HIGH,
    tag='a "tag", {with} \\ and ünicode',
)
MARKET = OrderRequest(
    client_order_id="market",
    symbol=PUT,
    side=Side.BUY,
    quantity=65,
    order_type=OrderType.MARKET,
    validity=Validity.IOC,
    product=Product.NORMAL,
    priority=Priority.LOW,
)


@pytest.fixture
def users(engine: Engine) -> list[int]:
    list_contracts(engine, UNIVERSE)
    return open_accounts(engine, 2)


@pytest.fixture
def intake(engine: Engine, users: list[int]) -> OrderIntake:
    return OrderIntake(engine, ring_after_seconds=1000)


@pytest.fixture
def basket(engine: Engine, users: list[int]) -> int:
    workflow, _ = PostgresWorkflows(engine).start(
        users[0],
        WorkflowKind.BASKET,
        "basket",
        request_hash=b"b",
        spec={},
        actor="api",
        due_in=0.0,
    )
    return workflow.id


def row(user_id: int, request: OrderRequest, *slices: int, until: datetime = UNTIL) -> IntakeRow:
    return IntakeRow(user_id, request, fingerprint(request), until, slices)


def rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def content(engine: Engine) -> list[dict[str, Any]]:
    """Return what every stored order says, in the order of its id."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT user_id, client_order_id, request_hash, symbol, side, quantity, order_type, "
            "limit_price, trigger_price, validity, product, priority, tag, valid_until "
            "FROM orders ORDER BY id"
        ).mappings()
        return [{**row, "request_hash": bytes(row["request_hash"])} for row in found]


def said(user_id: int, request: OrderRequest, until: datetime) -> dict[str, Any]:
    """Return what an order says, by the columns of its table."""
    return {
        **asdict(request),
        "user_id": user_id,
        "request_hash": fingerprint(request),
        "valid_until": until,
    }


def test_every_field_of_an_order_stands_in_its_own_column(
    engine: Engine, intake: OrderIntake, users: list[int]
) -> None:
    first, second = users

    intake.store([row(first, STOP), row(second, MARKET, until=LATER)], "api")

    assert content(engine) == [said(first, STOP, UNTIL), said(second, MARKET, LATER)]


def test_every_field_of_a_sliced_order_stands_in_its_own_column_and_its_slices_repeat_it(
    engine: Engine, intake: OrderIntake, users: list[int]
) -> None:
    first, second = users

    intake.store([row(first, STOP, 130, 65), row(second, MARKET, 35, 30, until=LATER)], "api")

    wholes = [said(first, STOP, UNTIL), said(second, MARKET, LATER)]
    slices = [
        whole | {"client_order_id": f"{whole['client_order_id']} {place}", "quantity": quantity}
        for whole, sizes in zip(wholes, ((130, 65), (35, 30)), strict=True)
        for place, quantity in enumerate(sizes, 1)
    ]
    assert content(engine) == [wholes[0], *slices[:2], wholes[1], *slices[2:]]


_PLACE = "client_order_id, parent_id, slices, held, basket_id, status"


def test_a_plain_order_stands_alone_and_is_not_held(
    engine: Engine, intake: OrderIntake, users: list[int]
) -> None:
    intake.store([row(users[0], order("a"))], "api")

    assert rows(engine, f"SELECT {_PLACE} FROM orders") == [("a", None, 0, False, None, "received")]


def test_of_a_sliced_order_only_the_whole_is_held(
    engine: Engine, intake: OrderIntake, users: list[int]
) -> None:
    sent = [row(users[0], order("small")), row(users[0], order("big"), 130, 65)]
    stored = intake.store(sent, "api")
    whole = stored[users[0], "big"].order_id

    assert rows(engine, f"SELECT {_PLACE} FROM orders ORDER BY id") == [
        ("small", None, 0, False, None, "received"),
        ("big", None, 2, True, None, "received"),
        ("big 1", whole, 0, False, None, "received"),
        ("big 2", whole, 0, False, None, "received"),
    ]


def test_all_orders_of_a_basket_are_held_and_do_not_wait(
    engine: Engine, intake: OrderIntake, users: list[int], basket: int
) -> None:
    sent = [row(users[0], order("small")), row(users[0], order("big"), 130, 65)]

    whole = intake.store(sent, "api", basket)[users[0], "big"].order_id

    assert rows(engine, f"SELECT {_PLACE} FROM orders ORDER BY id") == [
        ("small", None, 0, True, basket, "received"),
        ("big", None, 2, True, basket, "received"),
        ("big 1", whole, 0, True, basket, "received"),
        ("big 2", whole, 0, True, basket, "received"),
    ]
    assert intake.waiting() == {}


def test_a_basket_without_slices_is_held_as_well(
    engine: Engine, intake: OrderIntake, users: list[int], basket: int
) -> None:
    intake.store([row(users[0], order("a"))], "api", basket)

    assert rows(engine, f"SELECT {_PLACE} FROM orders") == [
        ("a", None, 0, True, basket, "received")
    ]


def test_the_slices_of_each_order_belong_to_it(
    engine: Engine, intake: OrderIntake, users: list[int]
) -> None:
    first, second = users
    intake.store([row(first, order("known"))], "api")
    sent = [
        row(first, order("known"), 130, 65),
        row(second, order("b"), 130, 65),
        row(first, order("c")),
        row(first, order("d"), 130, 65, 1),
    ]

    stored = intake.store(sent, "api")

    found = rows(engine, "SELECT parent_id, id FROM orders WHERE parent_id > 0 ORDER BY id")
    expected = [
        (stored[key].order_id, slice_id)
        for key in ((second, "b"), (first, "d"))
        for slice_id in stored[key].slice_ids
    ]
    assert found == expected
    assert len(found) == 5


@pytest.mark.parametrize("slices", [(), (130, 65)])
def test_the_relay_looks_after_an_order_a_while_after_it_was_stored(
    engine: Engine, users: list[int], slices: tuple[int, ...]
) -> None:
    for seconds, name in ((5, "a"), (1000, "b")):
        intake = OrderIntake(engine, ring_after_seconds=seconds)
        intake.store([row(users[0], order(name), *slices)], "api")

    waits = rows(
        engine,
        "SELECT extract(epoch FROM ring_at - accepted_at)::float FROM orders ORDER BY id",
    )

    expected = [5] * (1 + len(slices)) + [1000] * (1 + len(slices))
    assert [wait for (wait,) in waits] == [pytest.approx(seconds, abs=4) for seconds in expected]


@pytest.mark.parametrize("slices", [(), (130, 65)])
def test_every_stored_order_has_one_event_that_names_its_sender(
    engine: Engine, intake: OrderIntake, users: list[int], slices: tuple[int, ...]
) -> None:
    sent = [row(users[0], order("a"), *slices), row(users[1], order("b"))]
    intake.store(sent, "api+message")
    intake.store(sent, "again")

    ids = [order_id for (order_id,) in rows(engine, "SELECT id FROM orders ORDER BY id")]
    assert len(ids) == 2 + len(slices)
    assert rows(
        engine, "SELECT order_id, status, actor, reason FROM order_events ORDER BY order_id"
    ) == [(order_id, "received", "api+message", None) for order_id in ids]


@pytest.mark.parametrize("slices", [(), (130, 65)])
def test_an_account_is_served_in_the_order_in_which_its_orders_were_given(
    engine: Engine, intake: OrderIntake, users: list[int], slices: tuple[int, ...]
) -> None:
    names = [f"{number * 37 % 100:02}" for number in range(100)]

    intake.store([row(users[0], order(name), *slices) for name in names], "api")

    wholes = rows(engine, "SELECT client_order_id FROM orders WHERE parent_id IS NULL ORDER BY id")
    assert [name for (name,) in wholes] == names


def test_what_was_stored_is_committed_after_its_step_and_not_before(
    engine: Engine, users: list[int]
) -> None:
    seen: list[tuple[Step, int]] = []

    def look(step: Step) -> None:
        ((count,),) = rows(engine, "SELECT count(*) FROM orders")
        seen.append((step, count))

    intake = OrderIntake(engine, ring_after_seconds=5, at=look)
    intake.store([row(users[0], order("a"))], "api")
    intake.store([row(users[0], order("b")), row(users[0], order("a", Side.SELL))], "api")

    # What conflicts is not on its way to a commit.
    assert seen == [(Step.ACCEPTANCE_STORED, 0)]
    assert rows(engine, "SELECT client_order_id FROM orders") == [("a",)]


@pytest.mark.parametrize("slices", [(), (130, 65)])
def test_a_commit_takes_one_statement_however_many_orders_there_are(
    engine: Engine, intake: OrderIntake, users: list[int], slices: tuple[int, ...]
) -> None:
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    intake.store([row(users[0], order(f"{n}"), *slices) for n in range(20)], "api")

    # The first use in a session is prepared, the second runs at once.
    prepared, *executed = statements
    assert prepared.startswith("PREPARE")
    assert [text.partition(" ")[0] for text in executed] == ["EXECUTE"]
    # Where nothing is sliced no id is drawn by hand.
    assert ("nextval" in prepared) is bool(slices)
