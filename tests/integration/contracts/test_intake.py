"""The orders table and its fake keep the same promises to acceptance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

import pytest
from sqlalchemy import Engine

from angel_x.adapters.postgres.order_intake import OrderIntake
from angel_x.domain.orders.intake import IntakeRow
from angel_x.domain.orders.order import OrderRequest, OrderStatus, Side
from angel_x.services.intake.acceptance import Intake, fingerprint
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.reception import CALL, UNIVERSE, order
from tests.fakes.intake import MemoryIntake

UNTIL = datetime(2026, 8, 19, 10, 10, tzinfo=UTC)
RECEIVED = OrderStatus.RECEIVED


class CountingIntake(Intake, Protocol):
    """An intake that says how many orders wait."""

    def waiting(self) -> dict[int, int]: ...


@dataclass
class World:
    intake: CountingIntake
    #: Two accounts.
    user: int
    other: int
    #: Lets an order have come to a status.
    become: Callable[[int, OrderStatus], None]


def in_memory() -> World:
    intake = MemoryIntake()
    return World(intake, 1, 2, intake.become)


def in_postgres(engine: Engine) -> World:
    list_contracts(engine, UNIVERSE)
    user, other = open_accounts(engine, 2)

    def become(order_id: int, status: OrderStatus) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE orders SET status = %s, closed_at = now(), reason = 'NO_QUOTE' "
                "WHERE id = %s",
                (status.value, order_id),
            )

    return World(OrderIntake(engine, ring_after_seconds=5), user, other, become)


@pytest.fixture(params=["fake", "real"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "fake":
        return in_memory()
    return in_postgres(request.getfixturevalue("engine"))


def row(user_id: int, request: OrderRequest, *slices: int) -> IntakeRow:
    return IntakeRow(user_id, request, fingerprint(request), UNTIL, slices)


def test_what_is_new_gets_an_id_in_the_order_in_which_it_was_given(world: World) -> None:
    rows = [row(world.user, order(name)) for name in "cab"]

    stored = world.intake.store(rows, "api")

    ids = [stored[world.user, name].order_id for name in "cab"]
    assert ids == sorted(set(ids))
    for _, request, digest, *_ in rows:
        found = stored[world.user, request.client_order_id]
        assert (found.status, found.request_hash, found.is_new) == (RECEIVED, digest, True)
        assert list(found.slice_ids) == []


def test_what_is_known_comes_back_as_it_stands_and_is_not_stored_again(world: World) -> None:
    rows = [row(world.user, order("a"))]
    first = world.intake.store(rows, "api")[world.user, "a"]
    world.become(first.order_id, OrderStatus.DENIED)

    second = world.intake.store(rows, "api")[world.user, "a"]

    assert second.order_id == first.order_id
    assert (second.status, second.is_new) == (OrderStatus.DENIED, False)
    assert second.request_hash == first.request_hash


def test_what_is_new_is_stored_beside_what_is_known(world: World) -> None:
    old = world.intake.store([row(world.user, order("a"))], "api")[world.user, "a"]

    stored = world.intake.store([row(world.user, order(n)) for n in "ab"], "api")

    assert (stored[world.user, "a"].order_id, stored[world.user, "a"].is_new) == (
        old.order_id,
        False,
    )
    assert stored[world.user, "b"].is_new
    assert world.intake.waiting() == {world.user: 2}


def test_other_content_under_a_known_id_stores_nothing_at_all(world: World) -> None:
    known = world.intake.store([row(world.user, order("a"))], "api")[world.user, "a"]
    other = order("a", Side.SELL)

    stored = world.intake.store([row(world.user, order("b")), row(world.user, other)], "api")

    assert stored[world.user, "a"].request_hash == known.request_hash != fingerprint(other)
    assert not stored[world.user, "a"].is_new
    assert world.intake.known([(world.user, "a"), (world.user, "b")]).keys() == {(world.user, "a")}


def test_two_contents_under_one_new_id_store_nothing_and_name_the_first(world: World) -> None:
    first, second = order("a"), order("a", Side.SELL)

    stored = world.intake.store([row(world.user, first), row(world.user, second)], "api")

    assert stored[world.user, "a"].is_new
    assert stored[world.user, "a"].request_hash == fingerprint(first)
    assert world.intake.known([(world.user, "a")]) == {}


def test_one_order_given_twice_is_one_order(world: World) -> None:
    same = row(world.user, order("a"))

    stored = world.intake.store([same, same], "api")

    assert stored[world.user, "a"].is_new
    assert world.intake.waiting() == {world.user: 1}


def test_an_id_belongs_to_its_account(world: World) -> None:
    mine, theirs = order("a"), order("a", Side.SELL)

    stored = world.intake.store([row(world.user, mine), row(world.other, theirs)], "api")

    assert stored[world.user, "a"].order_id != stored[world.other, "a"].order_id
    assert world.intake.known([(world.other, "a")]).keys() == {(world.other, "a")}


def test_only_what_was_asked_for_is_known(world: World) -> None:
    world.intake.store([row(world.user, order(name)) for name in "ab"], "api")
    world.intake.store([row(world.other, order("c"))], "api")

    keys = [(world.user, "b"), (world.user, "c"), (world.other, "c"), (world.other, "a")]

    assert world.intake.known(keys).keys() == {(world.user, "b"), (world.other, "c")}
    assert world.intake.known([]) == {}


def test_slices_follow_their_order_and_are_named_after_it(world: World) -> None:
    rows = [row(world.user, order("small")), row(world.user, order("big"), 130, 130, 65)]

    stored = world.intake.store([*rows, row(world.user, order("last"), 130, 65)], "api")

    small, big, last = (stored[world.user, name] for name in ("small", "big", "last"))
    ids = [small.order_id, big.order_id, *big.slice_ids, last.order_id, *last.slice_ids]
    assert ids == sorted(set(ids))
    assert (len(small.slice_ids), len(big.slice_ids), len(last.slice_ids)) == (0, 3, 2)
    slices = world.intake.known([(world.user, f"big {place}") for place in range(5)])
    assert [(key, slices[key].order_id) for key in sorted(slices)] == [
        ((world.user, f"big {place}"), order_id) for place, order_id in enumerate(big.slice_ids, 1)
    ]
    assert {found.request_hash for found in slices.values()} == {big.request_hash}


def test_an_order_that_is_known_is_not_sliced_again(world: World) -> None:
    big = row(world.user, order("big"), 130, 65)
    first = world.intake.store([big], "api")[world.user, "big"]

    stored = world.intake.store([big, row(world.user, order("next"), 130, 65)], "api")

    assert stored[world.user, "big"].order_id == first.order_id
    assert list(stored[world.user, "big"].slice_ids) == []
    assert len(stored[world.user, "next"].slice_ids) == 2
    assert world.intake.waiting() == {world.user: 4}


def test_a_sliced_order_given_twice_is_sliced_once(world: World) -> None:
    big = row(world.user, order("big"), 130, 65)

    stored = world.intake.store([big, big], "api")

    assert len(stored[world.user, "big"].slice_ids) == 2
    assert world.intake.waiting() == {world.user: 2}


def test_a_conflict_stores_no_slice_either(world: World) -> None:
    world.intake.store([row(world.user, order("a"))], "api")

    world.intake.store(
        [row(world.user, order("big"), 130, 65), row(world.user, order("a", Side.SELL))], "api"
    )

    assert world.intake.known([(world.user, n) for n in ("big", "big 1", "big 2")]) == {}
    assert world.intake.waiting() == {world.user: 1}


def test_what_is_received_and_not_held_waits(world: World) -> None:
    stored = world.intake.store(
        [row(world.user, order(n)) for n in "abc"] + [row(world.other, order("d"), 130, 65)], "api"
    )
    # The sliced order is held; its slices wait.
    assert world.intake.waiting() == {world.user: 3, world.other: 2}

    world.become(stored[world.user, "b"].order_id, OrderStatus.DENIED)
    world.become(stored[world.other, "d"].slice_ids[0], OrderStatus.EXPIRED)

    assert world.intake.waiting() == {world.user: 2, world.other: 1}


def test_a_status_that_is_no_longer_received_is_told(world: World) -> None:
    stored = world.intake.store([row(world.user, order("a"))], "api")

    world.become(stored[world.user, "a"].order_id, OrderStatus.EXPIRED)

    assert world.intake.known([(world.user, "a")])[world.user, "a"].status is OrderStatus.EXPIRED


def test_every_word_of_an_id_counts(world: World) -> None:
    names = ["a", "A", "a'", 'a"', "a\\", "a,b", "{a}", "NULL", "%s"]
    request = order(symbol=CALL)

    stored = world.intake.store(
        [row(world.user, replace(request, client_order_id=name)) for name in names], "api"
    )

    assert [key for _, key in sorted(stored, key=lambda key: stored[key].order_id)] == names
    assert world.intake.known([(world.user, n) for n in names]).keys() == stored.keys()
