"""The relay brings every forgotten order to a decision, and parks what cannot be decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest
from redis.exceptions import RedisError
from sqlalchemy import Engine

from angel_x.adapters.metrics.meter import NullMeter
from angel_x.adapters.postgres.order_search import OrderSearch
from angel_x.bootstrap import Application
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.order import Order, Priority
from angel_x.domain.workflows.workflow import WorkflowKind
from angel_x.services.trading.paper_market import PaperMarket
from angel_x.services.trading.relay import Relay, RelayPace
from tests.builders.environs import application_on
from tests.builders.markets import ALWAYS_OPEN
from tests.builders.orders import Market

MAX_RINGS = 3


class Bell:
    """A dispatcher that notes what it is asked to ring for."""

    def __init__(self, *, works: bool = True) -> None:
        self.rung: list[tuple[Priority, tuple[int, ...]]] = []
        #: Orders that were rung for and for none besides.
        self.exact: list[int] = []
        #: Workflows, and whether as an emergency.
        self.advanced: list[tuple[int, bool]] = []
        self._works = works

    def ring(self, priority: Priority, order_ids: Sequence[int], *, exactly: bool = False) -> bool:
        self.rung.append((priority, tuple(order_ids)))
        self.exact += [*order_ids] if exactly else []
        return self._works

    def ring_on(self, priority: Priority, batches: Sequence[Sequence[int]]) -> bool:
        return all(self.ring(priority, batch) for batch in batches)

    def advance(self, workflow_id: int, *, emergency: bool) -> bool:
        self.advanced.append((workflow_id, emergency))
        return self._works

    @property
    def order_ids(self) -> list[int]:
        return [order_id for _, order_ids in self.rung for order_id in order_ids]


def relay(
    application: Application, bell: Bell, depths: Mapping[Priority, int] | None = None
) -> Relay:
    return Relay(
        search=OrderSearch(application.base.engine),
        take_workflows=application.orders.workflows.due,
        bells=bell,
        depths=lambda: depths or {},
        age=lambda _: None,
        park=application.trading.execution.park,
        meter=NullMeter(),
        pace=RelayPace(
            ring_after_seconds=2,
            max_rings=MAX_RINGS,
            batch_size=50,
            lane_messages=200,
        ),
        hours=ALWAYS_OPEN,
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
    make_due(market.application.base.engine)

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
    make_due(market.application.base.engine)

    relay(market.application, bell).sweep()

    assert [(priority, len(ids)) for priority, ids in bell.rung] == [
        (Priority.EMERGENCY, 1),
        (Priority.LOW, 50),
        (Priority.LOW, 10),
    ]


def test_two_relays_side_by_side_do_no_double_work(market: Market) -> None:
    bell, user, together = Bell(), market.account(), Barrier(2)
    accepted = market.accept(user, *[market.request() for _ in range(100)])
    make_due(market.application.base.engine)

    def sweep(_: int) -> int:
        mine = relay(market.application, bell)
        together.wait()
        return mine.sweep()

    with ThreadPoolExecutor(2) as pool:
        swept = sum(pool.map(sweep, range(2)))

    assert swept == 100
    assert sorted(bell.order_ids) == [a.order_id for a in accepted]


def test_two_relays_ask_once_for_each_workflow_and_for_a_square_off_at_once(
    market: Market,
) -> None:
    bell, user, together = Bell(), market.account(), Barrier(2)
    workflows = market.application.orders.workflows
    kinds = (WorkflowKind.BASKET, WorkflowKind.SQUARE_OFF)
    started = {
        workflows.start(user, kind, f"k{n}", request_hash=b"x", spec={}, actor="test")[0].id: kind
        for kind in kinds
        for n in range(20)
    }
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE workflows SET due_at = now() - interval '1 second'")

    def sweep(_: int) -> int:
        mine = relay(market.application, bell)
        together.wait()
        return mine.sweep()

    with ThreadPoolExecutor(2) as pool:
        swept = sum(pool.map(sweep, range(2)))

    assert swept == 40
    assert sorted(bell.advanced) == [
        (i, kind is WorkflowKind.SQUARE_OFF) for i, kind in sorted(started.items())
    ]


def test_a_sliced_order_and_a_basket_leg_that_is_held_are_not_rung_for(market: Market) -> None:
    bell, user = Bell(), market.account()
    (accepted,) = market.accept(user, market.request())
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE orders SET held = true, ring_at = now() - '1 s'::interval"
        )

    assert relay(market.application, bell).sweep() == 0

    assert bell.rung == []
    assert market.application.operations.backlog.oldest_due_seconds() == 0
    assert market.statuses() == {accepted.order_id: "received"}


def test_an_order_that_no_ring_brings_to_a_decision_is_parked(market: Market) -> None:
    bell, user = Bell(), market.account()
    (accepted,) = market.accept(user, market.request())

    for _ in range(MAX_RINGS + 1):
        make_due(market.application.base.engine)
        relay(market.application, bell).sweep()

    assert market.statuses() == {accepted.order_id: "denied"}
    assert len(bell.rung) == MAX_RINGS
    market.assert_invariants()


def test_an_outage_of_all_workers_parks_nothing(market: Market) -> None:
    bell, user = Bell(), market.account()
    (accepted,) = market.accept(user, market.request())

    for _ in range(3 * MAX_RINGS):
        make_due(market.application.base.engine)
        relay(market.application, bell, {Priority.NORMAL: 7}).sweep()

    assert market.statuses() == {accepted.order_id: "received"}


def test_a_queue_that_is_full_of_messages_gets_no_more(market: Market) -> None:
    bell, user = Bell(), market.account()
    market.accept(user, market.request())
    make_due(market.application.base.engine)

    assert relay(market.application, bell, {Priority.NORMAL: 10_000}).sweep() == 0

    assert bell.rung == []


def test_a_broker_that_takes_no_message_parks_nothing_and_is_asked_once_a_sweep(
    market: Market,
) -> None:
    bell, user = Bell(works=False), market.account()
    market.accept(user, *[market.request() for _ in range(120)])

    for _ in range(3 * MAX_RINGS):
        make_due(market.application.base.engine)
        relay(market.application, bell).sweep()

    assert set(market.statuses().values()) == {"received"}
    assert len(bell.rung) == 3 * MAX_RINGS


def test_the_relay_rings_for_nobody_while_the_cache_is_away(environ: dict[str, str]) -> None:
    with application_on(environ) as present:
        market = Market.open(present)
        market.accept(market.account(), market.request())
        make_due(present.base.engine)
        nowhere = "unix:///nowhere.sock"
        lost = {"cache_url": nowhere, "warm_cache_on_startup": "false"}
        with application_on(environ, "relay", **lost) as away, pytest.raises(RedisError):
            away.trading.relay.sweep()

        with present.base.engine.connect() as connection:
            rings = connection.exec_driver_sql("SELECT rings FROM orders").scalar_one()
        assert rings == 0


def test_an_order_behind_one_that_ends_every_process_is_decided_and_not_parked(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, user = market.application, market.account()
    poison, innocent = market.accept(user, market.request(), market.request())
    honest = PaperMarket.terms

    class ProcessEnded(BaseException):
        """As good as a kill: nobody catches it."""

    def terms(self: PaperMarket, orders: Sequence[Order]) -> list[Terms]:
        if any(order.id == poison.order_id for order in orders):
            raise ProcessEnded
        return honest(self, orders)

    monkeypatch.setattr(PaperMarket, "terms", terms)
    for _ in range(MAX_RINGS + 1):
        bell = Bell()
        make_due(application.base.engine)
        relay(application, bell).sweep()
        for _, order_ids in bell.rung:
            exactly = set(order_ids) <= set(bell.exact)
            run = (
                application.trading.execution.run_exactly
                if exactly
                else application.trading.execution.run
            )
            with suppress(ProcessEnded):
                run(order_ids)

    assert market.statuses() == {poison.order_id: "denied", innocent.order_id: "filled"}
    market.assert_invariants()
