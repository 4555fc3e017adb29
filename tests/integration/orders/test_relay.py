"""The relay brings every forgotten order to a decision, and parks what cannot be decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine

from angel_x.adapters.metrics.meter import NullMeter
from angel_x.adapters.postgres.order_search import OrderSearch
from angel_x.bootstrap import Application
from angel_x.domain.order import Priority
from angel_x.services.relay import Relay
from tests.builders.orders import Market

MAX_RINGS = 3


class Bell:
    """A dispatcher that notes what it is asked to ring for."""

    def __init__(self) -> None:
        self.rung: list[tuple[Priority, tuple[int, ...]]] = []

    def ring(self, priority: Priority, order_ids: Sequence[int]) -> bool:
        self.rung.append((priority, tuple(order_ids)))
        return True

    @property
    def order_ids(self) -> list[int]:
        return [order_id for _, order_ids in self.rung for order_id in order_ids]


def relay(
    application: Application, bell: Bell, depths: Mapping[Priority, int] | None = None
) -> Relay:
    return Relay(
        search=OrderSearch(application.engine),
        ring=bell.ring,
        depths=lambda: depths or {},
        park=application.execution.park,
        meter=NullMeter(),
        ring_after_seconds=2,
        max_rings=MAX_RINGS,
        batch_size=50,
    )


def make_due(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET ring_at = now() - interval '1 second'")


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def test_an_order_that_waits_is_rung_for_and_then_left_alone(market: Market) -> None:
    bell, user = Bell(), market.account()
    (accepted,) = market.accept(user, market.request(priority=Priority.HIGH))
    make_due(market.application.engine)

    assert relay(market.application, bell).sweep() == 1
    assert relay(market.application, bell).sweep() == 0

    assert bell.rung == [(Priority.HIGH, (accepted.order_id,))]


def test_a_fresh_order_is_not_due(market: Market) -> None:
    bell, user = Bell(), market.account()
    market.accept(user, market.request())

    assert relay(market.application, bell).sweep() == 0

    assert bell.rung == []


def test_what_is_due_is_rung_for_in_batches_lane_by_lane(market: Market) -> None:
    bell, user = Bell(), market.account()
    market.accept(user, *[market.request(priority=Priority.LOW) for _ in range(60)])
    market.accept(user, market.request(priority=Priority.EMERGENCY))
    make_due(market.application.engine)

    relay(market.application, bell).sweep()

    assert [(priority, len(ids)) for priority, ids in bell.rung] == [
        (Priority.EMERGENCY, 1),
        (Priority.LOW, 50),
        (Priority.LOW, 10),
    ]


def test_two_relays_side_by_side_do_no_double_work(market: Market) -> None:
    bell, user, together = Bell(), market.account(), Barrier(2)
    accepted = market.accept(user, *[market.request() for _ in range(100)])
    make_due(market.application.engine)

    def sweep(_: int) -> int:
        mine = relay(market.application, bell)
        together.wait()
        return mine.sweep()

    with ThreadPoolExecutor(2) as pool:
        swept = sum(pool.map(sweep, range(2)))

    assert swept == 100
    assert sorted(bell.order_ids) == [a.order_id for a in accepted]


def test_an_order_that_no_ring_brings_to_a_decision_is_parked(market: Market) -> None:
    bell, user = Bell(), market.account()
    (accepted,) = market.accept(user, market.request())

    for _ in range(MAX_RINGS + 1):
        make_due(market.application.engine)
        relay(market.application, bell).sweep()

    assert market.statuses() == {accepted.order_id: "denied"}
    assert len(bell.rung) == MAX_RINGS
    market.assert_invariants()


def test_an_outage_of_all_workers_parks_nothing(market: Market) -> None:
    bell, user = Bell(), market.account()
    (accepted,) = market.accept(user, market.request())

    for _ in range(3 * MAX_RINGS):
        make_due(market.application.engine)
        relay(market.application, bell, {Priority.NORMAL: 7}).sweep()

    assert market.statuses() == {accepted.order_id: "received"}


def test_a_queue_that_is_full_of_messages_gets_no_more(market: Market) -> None:
    bell, user = Bell(), market.account()
    market.accept(user, market.request())
    make_due(market.application.engine)

    assert relay(market.application, bell, {Priority.NORMAL: 10_000}).sweep() == 0

    assert bell.rung == []
