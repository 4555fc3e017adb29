"""What is read of positions and open orders, from the database and from memory alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from angel_x.adapters.postgres.holdings import PostgresHoldings
from angel_x.domain.book.control import OrderSelection
from angel_x.domain.orders.order import OPEN, OrderStatus, Product, Side
from angel_x.domain.workflows.square_off import Holding, LegRow
from angel_x.domain.workflows.workflow import WorkflowKind, WorkflowStatus
from tests.builders.stored_orders import StoredOrder
from tests.integration.contracts.places import UNIVERSE, Database, Store

BANK, NIFTY, OTHER = UNIVERSE.symbols[0], UNIVERSE.symbols[2], UNIVERSE.symbols[3]
ALL = OrderSelection()
NRML, MIS = Product.NORMAL, Product.INTRADAY
PLAIN = StoredOrder(user_id=1, symbol=NIFTY)


def names(ids: Mapping[str, int], found: Sequence[int]) -> list[str]:
    """Return the names of orders, in the sequence in which they were found."""
    known = {order_id: name for name, order_id in ids.items()}
    return [known[order_id] for order_id in found]


def test_every_open_order_of_the_account_is_read_and_no_closed_one(store: Store) -> None:
    ids = store.orders(**{s.value: replace(PLAIN, status=s) for s in OrderStatus})

    found = store.reads.open_orders(1, ALL)

    assert names(ids, found) == [s.value for s in OrderStatus if s in OPEN]
    assert store.reads.open_orders(2, ALL) == []
    assert store.reads.open_exits(1, ALL) == []


def test_every_open_exit_of_the_account_is_read_and_no_closed_one(store: Store) -> None:
    orders = {s.value: replace(PLAIN, status=s, name=f"square-off {s}") for s in OrderStatus}
    ids = store.orders(**orders)

    found = store.reads.open_exits(1, ALL)

    assert names(ids, found) == [s.value for s in OrderStatus if s in OPEN]
    assert store.reads.open_exits(2, ALL) == []
    assert store.reads.open_orders(1, ALL) == []


def test_an_exit_is_known_by_the_beginning_of_its_name_alone(store: Store) -> None:
    ids = store.orders(
        exit=replace(PLAIN, name="square-off 1 1"),
        near=replace(PLAIN, name="square-offer"),
        inside=replace(PLAIN, name="a square-off 1 1"),
    )

    assert names(ids, store.reads.open_orders(1, ALL)) == ["near", "inside"]
    assert names(ids, store.reads.open_exits(1, ALL)) == ["exit"]


def test_of_a_sliced_order_the_slices_are_read_and_a_held_leg_like_any_order(store: Store) -> None:
    waiting = replace(PLAIN, status=OrderStatus.RECEIVED)
    ids = store.orders(parent=replace(waiting, held=True, slices=2))
    ids |= store.orders(
        first=replace(waiting, parent_id=ids["parent"]),
        second=replace(waiting, parent_id=ids["parent"]),
        leg=replace(waiting, held=True),
    )

    assert names(ids, store.reads.open_orders(1, ALL)) == ["first", "second", "leg"]


def test_the_oldest_open_order_comes_first_whatever_was_written_last(store: Store) -> None:
    ids = store.orders(a=PLAIN, b=PLAIN, c=PLAIN)
    store.stir(ids["a"])

    assert names(ids, store.reads.open_orders(1, ALL)) == ["a", "b", "c"]
    assert names(ids, store.reads.named(1, ["c", "b", "a"])) == ["a", "b", "c"]


SELECTIONS = [
    (OrderSelection(symbol=NIFTY), {"nifty", "intraday"}),
    (OrderSelection(underlying="NIFTY"), {"nifty", "intraday", "other"}),
    (OrderSelection(underlying="BANKNIFTY"), {"bank"}),
    (OrderSelection(product=NRML), {"nifty", "other", "bank"}),
    (OrderSelection(product=MIS), {"intraday"}),
    (OrderSelection(symbol=NIFTY, product=NRML), {"nifty"}),
    (OrderSelection(underlying="NIFTY", product=NRML), {"nifty", "other"}),
    (OrderSelection(symbol=NIFTY, underlying="BANKNIFTY"), set()),
    (ALL, {"nifty", "intraday", "other", "bank"}),
]


@pytest.mark.parametrize(("selection", "expected"), SELECTIONS)
def test_symbol_underlying_and_product_select_orders_and_exits(
    store: Store, selection: OrderSelection, expected: set[str]
) -> None:
    plain = {
        "nifty": PLAIN,
        "intraday": replace(PLAIN, product="MIS"),
        "other": replace(PLAIN, symbol=OTHER),
        "bank": replace(PLAIN, symbol=BANK),
    }
    ids = store.orders(**plain)
    exits = store.orders(**{n: replace(o, name=f"square-off {n}") for n, o in plain.items()})
    store.orders(**{f"{n}, other account": replace(o, user_id=2) for n, o in plain.items()})

    assert set(names(ids, store.reads.open_orders(1, selection))) == expected
    assert set(names(exits, store.reads.open_exits(1, selection))) == expected


@pytest.mark.parametrize(("selection", "expected"), SELECTIONS)
def test_symbol_underlying_and_product_select_positions(
    store: Store, selection: OrderSelection, expected: set[str]
) -> None:
    places = {
        "nifty": (NIFTY, NRML), "intraday": (NIFTY, MIS), "other": (OTHER, NRML), "bank": (BANK, NRML),
    }  # fmt: skip
    for user_id in (1, 2):
        store.positions(
            *((user_id, symbol, p.value, 65 * user_id) for symbol, p in places.values())
        )

    found = store.reads.positions(1, selection)

    assert {(h.symbol, h.product) for h in found} == {places[name] for name in expected}
    assert {h.quantity for h in found} <= {65}


def test_the_largest_short_position_comes_first_then_by_symbol_and_product(store: Store) -> None:
    store.positions(
        (1, OTHER, "NRML", 65),
        (1, NIFTY, "NRML", 65),
        (1, NIFTY, "MIS", 65),
        (1, BANK, "NRML", -65),
        (1, OTHER, "MIS", -130),
        (1, BANK, "MIS", 0),
    )

    assert store.reads.positions(1, ALL) == [
        Holding(OTHER, MIS, -130),
        Holding(BANK, NRML, -65),
        Holding(NIFTY, MIS, 65),
        Holding(NIFTY, NRML, 65),
        Holding(OTHER, NRML, 65),
    ]
    assert store.reads.positions(2, ALL) == []


def test_orders_are_found_by_the_names_that_their_account_gave_them(store: Store) -> None:
    ids = store.orders(
        a=PLAIN, b=PLAIN, done=replace(PLAIN, status=OrderStatus.CANCELED), a2=replace(PLAIN, name="a", user_id=2)
    )  # fmt: skip

    assert names(ids, store.reads.named(1, ["a", "done", "nothing"])) == ["a", "done"]
    assert store.reads.named(1, []) == []


def test_legs_add_up_by_contract_product_and_side_and_show_their_newest_order(
    store: Store,
) -> None:
    denied = replace(PLAIN, status=OrderStatus.DENIED, reason="NO_QUOTE")
    sold = replace(PLAIN, side="SELL", status=OrderStatus.FILLED, filled=65, traded_value="6500.00")
    ids = store.orders(
        other=replace(sold, symbol=OTHER),
        old=replace(denied, side="SELL"),
        first=sold,
        second=replace(
            sold, status=OrderStatus.CANCELED, reason="KILL_SWITCH", filled=13, traded_value="1.05"
        ),
        bought=denied,
        intraday=replace(denied, product="MIS"),
        unasked=sold,
    )
    # Neither the sequence of the ids nor what was written last matters.
    store.stir(ids["old"])
    asked = [i for name, i in ids.items() if name != "unasked"][::-1]

    legs = store.reads.legs(asked)

    filled, none = OrderStatus.FILLED, Decimal(0)
    newest = (OrderStatus.CANCELED, "KILL_SWITCH")
    refused = (OrderStatus.DENIED, "NO_QUOTE")
    assert legs == [
        LegRow(OTHER, NRML, Side.SELL, 1, 65, Decimal(6500), filled, None),
        LegRow(NIFTY, NRML, Side.SELL, 3, 78, Decimal("6501.05"), *newest),
        LegRow(NIFTY, NRML, Side.BUY, 1, 0, none, *refused),
        LegRow(NIFTY, MIS, Side.BUY, 1, 0, none, *refused),
    ]
    assert store.reads.legs([]) == []


def test_accounts_with_an_intraday_position_or_an_open_intraday_order_are_found_once(
    store: Store,
) -> None:
    intraday_order = replace(PLAIN, product="MIS")
    # The account with the largest number has the first row.
    store.positions((8, NIFTY, "MIS", -65), (3, NIFTY, "MIS", 65), (3, OTHER, "MIS", 65))
    store.positions((1, NIFTY, "NRML", 65), (2, NIFTY, "MIS", 0))
    store.orders(
        both=replace(intraday_order, user_id=8),
        only=replace(intraday_order, user_id=4),
        normal=replace(PLAIN, user_id=5),
        over=replace(intraday_order, user_id=6, status=OrderStatus.CANCELED),
    )

    assert store.reads.intraday_accounts("mis") == [(3, 0), (4, 0), (8, 0)]


def test_accounts_with_positions_or_open_orders_are_found_once(store: Store) -> None:
    store.positions((8, NIFTY, "MIS", -65), (3, NIFTY, "NRML", 65), (2, NIFTY, "NRML", 0))
    store.orders(
        both=replace(PLAIN, user_id=8),
        only=replace(PLAIN, user_id=4),
        over=replace(PLAIN, user_id=6, status=OrderStatus.CANCELED),
    )

    assert store.reads.accounts() == [3, 4, 8]


@pytest.mark.parametrize("status", sorted(OPEN))
def test_an_account_that_has_only_an_intraday_order_is_found(
    store: Store, status: OrderStatus
) -> None:
    store.orders(it=replace(PLAIN, product="MIS", status=status))

    assert store.reads.intraday_accounts("mis") == [(1, 0)]


def end(store: Store, user_id: int, kind: WorkflowKind, key: str, status: WorkflowStatus) -> None:
    workflow, _ = store.workflows.start(user_id, kind, key, request_hash=b"", spec={}, actor="test")
    with store.workflows.locked(workflow.id) as unit:
        assert unit is not None
        if status is not WorkflowStatus.RUNNING:
            unit.finish(status, {})


def test_ended_square_offs_of_the_key_and_the_account_are_counted(store: Store) -> None:
    leaving, basket = WorkflowKind.SQUARE_OFF, WorkflowKind.BASKET
    store.positions((1, NIFTY, "MIS", 65), (2, NIFTY, "MIS", 65))
    end(store, 1, leaving, "mis 1", WorkflowStatus.DONE)
    end(store, 1, leaving, "mis 1 2", WorkflowStatus.FAILED)
    end(store, 1, leaving, "mis 1 3", WorkflowStatus.RUNNING)
    end(store, 1, leaving, "mis 2", WorkflowStatus.DONE)
    end(store, 1, leaving, "a mis 1", WorkflowStatus.DONE)
    end(store, 1, basket, "mis 1", WorkflowStatus.DONE)

    assert store.reads.intraday_accounts("mis 1") == [(1, 2), (2, 0)]


def test_a_contract_has_expired_from_the_moment_of_its_expiry(engine: Engine) -> None:
    store, end = Database(engine), UNIVERSE.contracts[UNIVERSE.rows[NIFTY]].expires_at
    store.positions((1, NIFTY, NRML, 65))

    def has_expired(now: datetime) -> bool:
        [holding] = PostgresHoldings(engine, lambda: now).positions(1, ALL)
        return holding.has_expired

    assert [has_expired(end - timedelta(microseconds=1)), has_expired(end)] == [False, True]
