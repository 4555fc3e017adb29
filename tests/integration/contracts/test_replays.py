"""One contract of parked orders: which are shown, who may send one again, and what is sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import (
    OPEN,
    OrderStatus,
    OrderType,
    Priority,
    Product,
    Side,
    Validity,
)
from angel_x.domain.records.audit import ReplayCandidate
from tests.builders.terms import fill, rest
from tests.fakes.tables import LOT
from tests.fakes.units import WouldWait
from tests.integration.contracts.worlds import RING_AFTER_SECONDS, UNIVERSE, World, expires_at

SYMBOL = UNIVERSE.symbols[2]
FAILED: dict[str, Any] = {"status": OrderStatus.DENIED, "reason": "PROCESSING_FAILED"}
EARLY = expires_at(SYMBOL) - timedelta(days=1)


def parked(world: World, user: int, limit: str | None = None, **columns: Any) -> int:
    return world.order(user, limit, **FAILED | columns)


def shown(world: World, limit: int = 10, *, replayed: bool = False) -> list[int]:
    return [int(order.order_id) for order in world.replays.parked(limit, replayed=replayed)]


def candidate(world: World, order_id: int) -> ReplayCandidate:
    with world.replays.begin() as unit:
        found = unit.candidate(order_id)
    assert found is not None
    return found


def send(world: World, order_id: int, name: str = "again", day_ends: datetime = EARLY) -> int:
    with world.replays.begin() as unit:
        return unit.send(order_id, name, day_ends=day_ends, actor="cli:asha")


def end(world: World, order_ids: Sequence[int], *, fills: int) -> None:
    """Trade so many units of each, and cancel what is left."""
    with world.units.begin() as unit:
        orders, book = unit.orders(order_ids, OPEN)
        for order in orders:
            book.decide(order, fill(units=fills) if fills else rest("101.00"))
            if order.status in OPEN:
                book.take_off(order, OrderStatus.CANCELED, DenialReason.NO_QUOTE)
        unit.record(book, "test")
        unit.commit()


def test_parked_are_the_orders_that_could_not_be_decided_the_newest_first(
    world: World, user: int
) -> None:
    denied, rejected = parked(world, user), parked(world, user, status=OrderStatus.REJECTED)
    parked(world, user, reason="NO_QUOTE")
    parked(world, user, slices=2, held=True)
    world.order(user, status=OrderStatus.CANCELED, reason="PROCESSING_FAILED")
    world.order(user)
    other = parked(world, world.account())

    assert shown(world) == [other, rejected, denied]
    assert shown(world, 2) == [other, rejected]
    assert world.replays.waiting() == 3


def test_a_parked_order_is_shown_with_its_last_detail(world: World, user: int) -> None:
    order_id = world.order(user, client_order_id="mine", side=Side.SELL, quantity=2 * LOT)
    other = world.order(user)
    for number, detail in ((order_id, "boom"), (other, "other")):
        with world.units.begin() as unit:
            (order,), book = unit.orders([number], OPEN)
            book.deny(order, DenialReason.PROCESSING_FAILED, detail)
            unit.record(book, "execution")
            unit.commit()

    _, found = world.replays.parked(5, replayed=False)

    assert (found.order_id, found.client_order_id) == (str(order_id), "mine")
    assert (found.account, found.symbol) == (f"user{user}", SYMBOL)
    assert (found.side, found.quantity, found.status) == (Side.SELL, 2 * LOT, OrderStatus.DENIED)
    assert (found.detail, found.replayed_as) == ("boom", None)
    assert found.parked_at == world.row(order_id).closed_at


def test_what_was_sent_again_is_shown_on_demand_with_the_last_of_its_replays(
    world: World, user: int
) -> None:
    order_id, waiting = parked(world, user), parked(world, user)
    send(world, order_id, "one")
    last = send(world, order_id, "two")

    assert shown(world) == [waiting]
    assert world.replays.waiting() == 1
    assert shown(world, replayed=True) == [waiting, order_id]
    assert world.replays.parked(5, replayed=True)[1].replayed_as == str(last)


@pytest.mark.parametrize("status", [OrderStatus.DENIED, OrderStatus.REJECTED])
def test_a_candidate_says_what_it_is(world: World, user: int, status: OrderStatus) -> None:
    order_id = parked(world, user, client_order_id="mine", priority=Priority.HIGH, status=status)
    other = parked(world, user, client_order_id="other")
    send(world, other, "other replay 1")

    found = candidate(world, order_id)

    assert (found.id, found.client_order_id) == (order_id, "mine")
    assert (found.priority, found.is_parked, found.is_of_workflow) == (Priority.HIGH, True, False)
    assert (found.replays, found.living) == (0, None)


@pytest.mark.parametrize(
    "columns",
    [
        {"reason": "NO_QUOTE"},
        {"status": OrderStatus.CANCELED},
        {"status": OrderStatus.RECEIVED, "reason": None},
        {"slices": 2, "held": True},
    ],
)
def test_a_candidate_that_was_not_parked_says_so(
    world: World, user: int, columns: dict[str, Any]
) -> None:
    assert not candidate(world, parked(world, user, **columns)).is_parked


@pytest.mark.parametrize("name", ["square-off 7 1", "square-offs", "my square-off 7"])
def test_a_candidate_of_a_square_off_says_so(world: World, user: int, name: str) -> None:
    found = candidate(world, parked(world, user, client_order_id=name))

    assert found.is_of_workflow == name.startswith("square-off ")


def test_a_candidate_of_a_basket_says_so(world: World, user: int) -> None:
    order_id = parked(world, user, basket_id=world.basket(user))

    assert candidate(world, order_id).is_of_workflow


def test_nobody_is_a_candidate_under_an_unknown_id(world: World, user: int) -> None:
    order_id = parked(world, user)

    with world.replays.begin() as unit:
        assert unit.candidate(order_id + 1) is None


def test_a_replay_stands_for_the_order_that_was_parked_first(world: World, user: int) -> None:
    stranger = parked(world, world.account(), client_order_id="mine")
    order_id = parked(world, user, client_order_id="mine")
    first = send(world, order_id, "mine replay 1")
    twelfth = send(world, order_id, "mine replay 12")
    other = parked(world, user, client_order_id="mine-replay 3")

    found = [candidate(world, i) for i in (order_id, first, twelfth)]

    assert [(c.id, c.client_order_id, c.replays) for c in found] == [(order_id, "mine", 2)] * 3
    assert candidate(world, stranger).replays == 0
    assert candidate(world, other).id == other


@pytest.mark.parametrize(("fills", "is_living"), [(None, True), (LOT, True), (1, True), (0, False)])
def test_a_replay_that_is_open_or_has_traded_lives(
    world: World, user: int, *, fills: int | None, is_living: bool
) -> None:
    order_id = parked(world, user, "101.00")
    new_id = send(world, order_id)
    if fills is not None:
        end(world, [new_id], fills=fills)

    found = candidate(world, order_id)

    assert (found.living, found.replays) == (new_id if is_living else None, 1)


def test_a_replay_that_has_traded_lives_beside_later_ones_that_have_not(
    world: World, user: int
) -> None:
    order_id = parked(world, user, "101.00")
    traded, later = send(world, order_id, "one"), send(world, order_id, "two")
    end(world, [traded], fills=1)
    end(world, [later], fills=0)

    assert candidate(world, order_id).living == traded


@pytest.mark.parametrize(
    ("order_type", "limit", "trigger"),
    [
        (OrderType.MARKET, None, None),
        (OrderType.LIMIT, "99.00", None),
        (OrderType.STOP_LIMIT, "99.00", "98.00"),
    ],
)
def test_the_same_content_is_sent_and_no_trace_of_its_failure(
    world: World, user: int, order_type: OrderType, limit: str | None, trigger: str | None
) -> None:
    said: dict[str, Any] = {
        "side": Side.SELL,
        "quantity": 3 * LOT,
        "order_type": order_type,
        "trigger_price": None if trigger is None else Decimal(trigger),
        "validity": Validity.IOC,
        "product": Product.INTRADAY,
        "priority": Priority.LOW,
        "symbol": SYMBOL,
    }
    # One at market got a protection limit before it failed.
    order_id = parked(world, user, limit or "97.00", attempt=2, **said)

    new_id = send(world, order_id, "mine replay 1")

    row = world.row(new_id)
    assert {name: getattr(row.order, name) for name in said} == said
    assert row.order.limit_price == (None if limit is None else Decimal(limit))
    assert (row.order.user_id, row.order.client_order_id) == (user, "mine replay 1")
    assert (row.order.status, row.order.attempt, row.rings) == (OrderStatus.RECEIVED, 0, 0)
    assert (row.held, row.reason, row.closed_at) == (False, None, None)
    due = (row.ring_at - row.accepted_at).total_seconds()
    assert RING_AFTER_SECONDS - 1 < due < RING_AFTER_SECONDS + 1
    assert world.events(new_id) == [("received", "cli:asha", 0, "REPLAYED")]
    assert world.row(order_id).order.status is OrderStatus.DENIED


def test_a_replay_is_valid_until_the_close_and_not_beyond_its_contract(
    world: World, user: int
) -> None:
    order_id, end = parked(world, user), expires_at(SYMBOL)

    until = [
        world.row(send(world, order_id, f"r{n}", day_ends)).order.valid_until
        for n, day_ends in enumerate((EARLY, end + timedelta(days=1)))
    ]

    assert until == [EARLY, end]


def test_a_candidate_is_held_until_its_transaction_ends(world: World, user: int) -> None:
    order_id, other = parked(world, user), parked(world, user)
    new_id = send(world, order_id, f"{world.row(order_id).order.client_order_id} replay 1")

    for asked in (order_id, new_id):
        with world.replays.begin() as unit, world.hasty_replays.begin() as second:
            unit.candidate(order_id)
            assert second.candidate(other) is not None
            with pytest.raises((WouldWait, OperationalError)):
                second.candidate(asked)

    with world.hasty_replays.begin() as third:
        assert third.candidate(order_id) is not None


def test_a_candidate_is_free_once_it_was_sent(world: World, user: int) -> None:
    order_id = parked(world, user)

    with world.replays.begin() as unit:
        unit.candidate(order_id)
        new_id = unit.send(order_id, "again", day_ends=EARLY, actor="cli:asha")
        with world.hasty_replays.begin() as second:
            found = second.candidate(order_id)

    assert found is not None
    assert (found.living, found.replays) == (new_id, 1)
