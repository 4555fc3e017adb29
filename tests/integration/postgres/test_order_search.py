"""Which orders have ended, and which would trade at a touch."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from angel_x.adapters.postgres.ladders import Ladders
from angel_x.adapters.postgres.order_search import OrderSearch
from angel_x.domain.exchange.matching import TOUCH
from angel_x.domain.orders.order import ASKED, OPEN, RESTING, OrderStatus, Side
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
def ladders(engine: Engine) -> Ladders:
    return Ladders(engine)


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


def test_marketable_are_the_orders_in_the_market_up_to_their_limit(
    world: SqlWorld, user: int, ladders: Ladders, now: datetime
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
    touches = np.array([(row, True, 9_900, 9), (row, False, 9_900, 9)], TOUCH)

    purchases, sales = (ladders.marketable(UNIVERSE, touches[n : n + 1], now) for n in (0, 1))

    assert sorted(purchases["id"].tolist()) == bought[1:]
    assert sorted(sales["id"].tolist()) == sold[:2]
    both = ladders.marketable(UNIVERSE, touches, now)
    assert sorted(both["id"].tolist()) == sorted([*bought[1:], *sold[:2]])
    assert {*both["leaves"].tolist()} == {LOT}


def test_of_every_status_only_orders_that_may_trade_are_marketable(
    world: SqlWorld, user: int, ladders: Ladders, now: datetime
) -> None:
    found = of_every_status(world, user, valid_until=now + MOMENT)
    touches = np.array([(UNIVERSE.rows[UNIVERSE.symbols[2]], True, 100, 99)], TOUCH)

    marketable = ladders.marketable(UNIVERSE, touches, now)

    may_trade = RESTING - {OrderStatus.TRIGGER_PENDING}
    assert sorted(marketable["id"].tolist()) == [found[s] for s in OrderStatus if s in may_trade]


def test_no_more_orders_are_marketable_than_the_touch_has_units_for(
    world: SqlWorld, user: int, ladders: Ladders, now: datetime
) -> None:
    working: dict[str, Any] = {"status": OrderStatus.WORKING, "valid_until": now + MOMENT}
    ids = [world.order(user, price, **working) for price in ("99.05", "99.20", "99.10", "99.20")]
    row = UNIVERSE.rows[UNIVERSE.symbols[2]]

    found = ladders.marketable(UNIVERSE, np.array([(row, True, 9_900, 3)], TOUCH), now)

    assert found["id"].tolist() == [ids[1], ids[3], ids[2]]
    assert found["limit"].tolist() == [9_920, 9_920, 9_910]
    assert found[["row", "is_buy"]].tolist() == [(row, True)] * 3
