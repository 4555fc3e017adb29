"""Which orders wait in a lane, read account by account."""

from __future__ import annotations

import pytest

from angel_x.adapters.postgres.lane_orders import LaneOrders
from angel_x.bootstrap import Application
from angel_x.domain.orders.order import Priority
from tests.builders.orders import Market


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def accept(market: Market, user: int, count: int, lane: Priority = Priority.NORMAL) -> list[int]:
    requests = [market.request(priority=lane) for _ in range(count)]
    return [accepted.order_id for accepted in market.accept(user, *requests)]


def lane_orders(market: Market, each: int = 2) -> LaneOrders:
    return LaneOrders(market.application.base.engine, each=each)


def test_the_oldest_of_each_account_are_found(market: Market) -> None:
    first, second = market.account("first"), market.account("second")
    late = accept(market, second, 3)
    early = accept(market, first, 1)

    assert lane_orders(market).waiting(Priority.NORMAL, 100) == [early, late[:2]]


def test_other_lanes_and_decided_orders_are_left_out(market: Market) -> None:
    user = market.account()
    (decided,) = accept(market, user, 1)
    market.application.trading.execution.run([decided])
    high = accept(market, user, 1, Priority.HIGH)

    assert lane_orders(market).waiting(Priority.NORMAL, 100) == []
    assert lane_orders(market).waiting(Priority.HIGH, 100) == [high]


def test_the_parent_of_slices_waits_for_no_decision(market: Market) -> None:
    user = market.account()
    (parent,) = market.accept(user, market.request(quantity=65 * 30))

    ((*slices,),) = lane_orders(market, each=50).waiting(Priority.NORMAL, 100)

    assert parent.order_id not in slices
    assert len(slices) == 2


def test_a_look_begins_behind_the_account_at_which_the_last_one_ended(market: Market) -> None:
    found = [accept(market, market.account(f"u{i}"), 2) for i in range(3)]
    lanes = lane_orders(market)

    looks = [lanes.waiting(Priority.NORMAL, 2) for _ in range(4)]

    assert looks == [[found[0]], [found[1]], [found[2]], [found[0]]]


def test_a_look_that_comes_to_the_end_goes_on_from_the_beginning(market: Market) -> None:
    found = [accept(market, market.account(f"u{i}"), 2) for i in range(3)]
    lanes = lane_orders(market)
    lanes.waiting(Priority.NORMAL, 4)

    assert lanes.waiting(Priority.NORMAL, 100) == [found[2], found[0], found[1]]


def test_each_lane_is_gone_round_for_itself(market: Market) -> None:
    user, other = market.account(), market.account("other")
    normal = accept(market, user, 1)
    accept(market, other, 1)
    high = accept(market, user, 1, Priority.HIGH)
    lanes = lane_orders(market)

    assert lanes.waiting(Priority.NORMAL, 1) == [normal]
    assert lanes.waiting(Priority.HIGH, 1) == [high]


def test_late_orders_are_the_oldest_of_each_account_by_the_time_they_have_waited(
    market: Market,
) -> None:
    first, second, third = (accept(market, market.account(f"u{i}"), 2) for i in range(3))
    accept(market, market.account("high"), 1, Priority.HIGH)
    ages = {first[0]: 7, second[0]: 9, third[0]: 4, third[1]: 8}
    with market.application.base.engine.begin() as connection:
        for order_id, age in ages.items():
            connection.exec_driver_sql(
                "UPDATE orders SET accepted_at = clock_timestamp() - make_interval(secs => %s) "
                "WHERE id = %s",
                (age, order_id),
            )
    lanes = lane_orders(market, each=1)

    assert lanes.late(Priority.NORMAL, 5.0, 10) == [second[0], first[0]]
    assert lanes.late(Priority.NORMAL, 5.0, 1) == [second[0]]
    assert lanes.late(Priority.NORMAL, 3600.0, 10) == []
