"""Which orders have ended, and which rest, as the search finds them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from angel_x.adapters.postgres.order_search import OrderSearch
from angel_x.domain.exchange.matching import TOUCH
from angel_x.domain.orders.order import ASKED, OPEN, RESTING, OrderStatus, OrderType, Side
from tests.fakes.tables import LOT
from tests.integration.contracts.worlds import UNIVERSE, SqlWorld

#: What a stored order has to say besides its status.
COLUMNS: dict[OrderStatus, dict[str, Any]] = {
    **{status: {"lease": -1} for status in ASKED},
    OrderStatus.PARTIALLY_FILLED: {"filled_quantity": 1},
    OrderStatus.FILLED: {"filled_quantity": LOT},
    OrderStatus.DENIED: {"reason": "NO_QUOTE"},
    OrderStatus.REJECTED: {"reason": "NO_QUOTE"},
}
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def world(engine: Engine) -> SqlWorld:
    return SqlWorld(engine, engine)


@pytest.fixture
def user(world: SqlWorld) -> int:
    return world.account()


@pytest.fixture
def search(engine: Engine) -> OrderSearch:
    return OrderSearch(engine)


@pytest.fixture
def now(world: SqlWorld) -> datetime:
    return world.tables.clock()


def of_every_status(world: SqlWorld, user: int, **columns: Any) -> dict[OrderStatus, int]:
    return {
        status: world.order(user, "99.00", status=status, **COLUMNS.get(status, {}), **columns)
        for status in OrderStatus
    }


def test_every_open_order_whose_hour_has_come_has_ended(
    world: SqlWorld, user: int, search: OrderSearch, now: datetime
) -> None:
    found = of_every_status(world, user, valid_until=now)
    world.order(user, valid_until=now + MOMENT)

    assert sorted(search.ended(now, 50)) == [found[s] for s in OrderStatus if s in OPEN]
    assert search.ended(now - MOMENT, 50) == []


def test_an_order_that_somebody_awaits_and_a_sliced_one_are_not_ended(
    world: SqlWorld, user: int, search: OrderSearch, now: datetime
) -> None:
    world.order(user, valid_until=now, status=OrderStatus.SUBMITTING, lease=600)
    world.order(user, valid_until=now, held=True, slices=2)
    held = world.order(user, valid_until=now, held=True)

    assert search.ended(now, 50) == [held]


def test_what_ended_first_comes_first_and_no_more_than_the_limit(
    world: SqlWorld, user: int, search: OrderSearch, now: datetime
) -> None:
    ends = [world.order(user, valid_until=now - timedelta(hours=n)) for n in (1, 3, 2)]

    assert search.ended(now, 2) == [ends[1], ends[2]]


def test_resting_are_the_orders_in_the_market_that_have_a_limit(
    world: SqlWorld, user: int, search: OrderSearch
) -> None:
    found = of_every_status(world, user)
    world.order(user, status=OrderStatus.WORKING, held=True, slices=2)

    resting = search.resting(UNIVERSE, None)

    assert sorted(resting["id"].tolist()) == [found[s] for s in OrderStatus if s in RESTING]


def test_only_the_contracts_that_were_asked_for_are_searched(
    world: SqlWorld, user: int, search: OrderSearch
) -> None:
    symbols = UNIVERSE.symbols[:3]
    ids = [world.order(user, "99.00", symbol=s, status=OrderStatus.WORKING) for s in symbols]

    resting = search.resting(UNIVERSE, [symbols[0], symbols[2]])

    rows = dict(zip(resting["id"].tolist(), resting["row"].tolist(), strict=True))
    assert rows == {ids[n]: UNIVERSE.rows[symbols[n]] for n in (0, 2)}
    assert len(search.resting(UNIVERSE, [])) == 0


def test_a_resting_order_is_read_as_it_is_stored(
    world: SqlWorld, user: int, search: OrderSearch
) -> None:
    order_id = world.order(
        user,
        "99.05",
        side=Side.SELL,
        quantity=3 * LOT,
        filled_quantity=LOT,
        order_type=OrderType.STOP_LIMIT,
        trigger_price=Decimal("98.10"),
        time_priority=77,
        status=OrderStatus.PARTIALLY_FILLED,
    )
    stop = world.order(
        user,
        "99.05",
        order_type=OrderType.STOP_LIMIT,
        trigger_price=Decimal("98.10"),
        status=OrderStatus.TRIGGER_PENDING,
    )

    (first, second) = sorted(search.resting(UNIVERSE, None), key=lambda order: int(order["id"]))

    assert {name: first[name].item() for name in first.dtype.names} == {
        "id": order_id,
        "row": UNIVERSE.rows[UNIVERSE.symbols[2]],
        "is_buy": False,
        "limit": 9_905,
        "trigger": 9_810,
        "is_stopped": False,
        "leaves": 2 * LOT,
        "filled": LOT,
        "time_priority": 77,
    }
    assert (second["id"], second["is_buy"], second["is_stopped"]) == (stop, True, True)


def test_marketable_are_the_orders_in_the_market_up_to_their_limit(
    world: SqlWorld, user: int, search: OrderSearch, now: datetime
) -> None:
    working: dict[str, Any] = {"status": OrderStatus.WORKING, "valid_until": now + MOMENT}
    bought = [world.order(user, price, **working) for price in ("98.95", "99.00", "99.05")]
    sold = [
        world.order(user, price, side=Side.SELL, **working) for price in ("98.95", "99.00", "99.05")
    ]
    world.order(user, "99.50", **working | {"valid_until": now})
    world.order(user, "99.50", symbol=UNIVERSE.symbols[1], **working)
    world.order(user, "99.50", slices=2, held=True, **working)
    row = UNIVERSE.rows[UNIVERSE.symbols[2]]
    touches = np.array([(row, True, 9_900), (row, False, 9_900)], TOUCH)

    purchases, sales = (search.marketable(UNIVERSE, touches[n : n + 1], now) for n in (0, 1))

    assert sorted(purchases["id"].tolist()) == bought[1:]
    assert sorted(sales["id"].tolist()) == sold[:2]
    both = search.marketable(UNIVERSE, touches, now)
    assert sorted(both["id"].tolist()) == sorted([*bought[1:], *sold[:2]])
    assert {*both["leaves"].tolist()} == {LOT}


def test_of_every_status_only_orders_that_may_trade_are_marketable(
    world: SqlWorld, user: int, search: OrderSearch, now: datetime
) -> None:
    found = of_every_status(world, user, valid_until=now + MOMENT)
    touches = np.array([(UNIVERSE.rows[UNIVERSE.symbols[2]], True, 100)], TOUCH)

    marketable = search.marketable(UNIVERSE, touches, now)

    may_trade = RESTING - {OrderStatus.TRIGGER_PENDING}
    assert sorted(marketable["id"].tolist()) == [found[s] for s in OrderStatus if s in may_trade]


def test_a_contract_that_is_not_listed_has_no_row(
    world: SqlWorld, user: int, search: OrderSearch
) -> None:
    world.order(user, "99.00", status=OrderStatus.WORKING, symbol=UNIVERSE.symbols[1])
    other = type(UNIVERSE)(c for c in UNIVERSE.contracts if c.symbol != UNIVERSE.symbols[1])

    assert search.resting(other, None)["row"].tolist() == [-1]
