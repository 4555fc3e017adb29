"""The orders that rest and those whose validity has ended, found among all that there are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine

from angel_x.adapters.postgres.order_search import OrderSearch
from angel_x.domain.order import OPEN, RESTING, OrderStatus
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.chains import make_universe
from tests.builders.stored_orders import StoredOrder, store_orders

UNIVERSE = make_universe(expiries=(date(2026, 8, 25),), strikes=(24_000, 24_100))
FIRST, SECOND, THIRD = UNIVERSE.symbols[:3]
NOON = datetime(2026, 8, 19, 6, 30, tzinfo=UTC)
PLAIN = StoredOrder(user_id=1, symbol=FIRST, valid_until=NOON)
MANY = 100


@pytest.fixture
def search(engine: Engine) -> OrderSearch:
    list_contracts(engine, UNIVERSE)
    open_accounts(engine, 1)
    return OrderSearch(engine)


def names(ids: dict[str, int], found: Collection[int]) -> set[str]:
    assert len(found) == len(set(found))
    return {name for name, order_id in ids.items() if order_id in found}


def test_what_rests_is_found_and_nothing_that_is_on_its_way_or_over(
    engine: Engine, search: OrderSearch
) -> None:
    orders = {s.value: replace(PLAIN, status=s) for s in OrderStatus}
    ids = store_orders(engine, orders)

    for symbols in (None, [FIRST]):
        found = search.resting(UNIVERSE, symbols)
        assert names(ids, found["id"].tolist()) == {status.value for status in RESTING}


def test_what_has_no_limit_does_not_rest(engine: Engine, search: OrderSearch) -> None:
    # The parent of slices at market: it works as long as one of them does.
    parent = replace(PLAIN, order_type="MARKET", limit_price=None, held=True, slices=2)
    store_orders(engine, {"parent": parent})

    assert len(search.resting(UNIVERSE, None)) == 0
    assert len(search.resting(UNIVERSE, [FIRST])) == 0


def test_only_the_contracts_that_were_named_are_searched(
    engine: Engine, search: OrderSearch
) -> None:
    ids = store_orders(engine, {s: replace(PLAIN, symbol=s) for s in (FIRST, SECOND, THIRD)})

    assert names(ids, search.resting(UNIVERSE, [FIRST, THIRD])["id"].tolist()) == {FIRST, THIRD}
    assert names(ids, search.resting(UNIVERSE, None)["id"].tolist()) == {FIRST, SECOND, THIRD}


def test_an_order_comes_with_everything_that_its_match_depends_on(
    engine: Engine, search: OrderSearch
) -> None:
    bid = replace(
        PLAIN, status=OrderStatus.PARTIALLY_FILLED, quantity=130, filled=30, limit_price="80.05"
    )
    stop = replace(
        PLAIN,
        symbol=SECOND,
        side="SELL",
        status=OrderStatus.TRIGGER_PENDING,
        order_type="SL",
        limit_price="79.95",
        trigger_price="81.10",
    )
    ids = store_orders(engine, {"bid": bid, "stop": stop})

    found = {row["id"]: row for row in search.resting(UNIVERSE, None)}
    row = found[ids["bid"]]
    assert (row["row"], row["is_buy"], row["limit"], row["trigger"], row["is_stopped"]) == (
        UNIVERSE.rows[FIRST], True, 8005, 0, False,
    )  # fmt: skip
    assert (row["leaves"], row["filled"]) == (100, 30)
    row = found[ids["stop"]]
    assert (row["row"], row["is_buy"], row["limit"], row["trigger"], row["is_stopped"]) == (
        UNIVERSE.rows[SECOND], False, 7995, 8110, True,
    )  # fmt: skip
    assert (row["leaves"], row["filled"]) == (65, 0)
    assert found[ids["bid"]]["time_priority"] < row["time_priority"]


def test_an_order_in_a_contract_that_is_not_listed_has_no_row(
    engine: Engine, search: OrderSearch
) -> None:
    store_orders(engine, {"it": replace(PLAIN, symbol=UNIVERSE.symbols[-1])})
    smaller = make_universe(expiries=(date(2026, 8, 25),), strikes=(24_000,))

    assert search.resting(smaller, None)["row"].tolist() == [-1]


@pytest.mark.parametrize("status", sorted(OrderStatus))
def test_every_open_order_ends_with_its_validity_unless_a_process_still_waits_for_its_answer(
    engine: Engine, search: OrderSearch, status: OrderStatus
) -> None:
    order = replace(PLAIN, status=status)
    ids = store_orders(engine, {"mine": order, "left": replace(order, lease_in=-1)})

    expected = {"mine", "left"} if status in OPEN else set()
    if status is OrderStatus.SUBMITTING:
        expected = {"left"}
    assert names(ids, search.ended(NOON, MANY)) == expected
    assert search.ended(NOON - timedelta(microseconds=1), MANY) == []


def test_a_sliced_order_ends_with_its_slices_and_a_held_leg_like_any_order(
    engine: Engine, search: OrderSearch
) -> None:
    waiting = replace(PLAIN, status=OrderStatus.RECEIVED)
    ids = store_orders(engine, {"parent": replace(waiting, held=True, slices=1)})
    slices = {"slice": replace(waiting, parent_id=ids["parent"])}
    ids |= store_orders(engine, slices | {"leg": replace(waiting, held=True)})

    assert names(ids, search.ended(NOON, MANY)) == {"slice", "leg"}


def test_the_orders_that_ended_first_come_first_and_no_more_than_asked_for(
    engine: Engine, search: OrderSearch
) -> None:
    hours = {"second": 2, "third": 1, "first": 3, "fourth": 0}
    orders = {n: replace(PLAIN, valid_until=NOON - timedelta(hours=h)) for n, h in hours.items()}
    ids = store_orders(engine, orders)

    assert search.ended(NOON, 3) == [ids["first"], ids["second"], ids["third"]]
