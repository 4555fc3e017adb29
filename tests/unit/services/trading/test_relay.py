"""The relay on tables in memory: what it rings for, how often, when again, and what it gives up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import OrderStatus, Priority
from angel_x.domain.workflows.workflow import DueWorkflow, WorkflowKind
from angel_x.services.trading.relay import Relay, RelayPace
from tests.builders.markets import ALWAYS_OPEN, ManualClock
from tests.builders.recorders import RecordingMeter
from tests.fakes.bells import MemoryBells
from tests.fakes.due_orders import MemoryDueOrders
from tests.fakes.tables import NOW, Tables

NORMAL = Priority.NORMAL


@dataclass
class Sweeper:
    """A relay, and everything that it touches."""

    ring_after: float = 2.0
    max_rings: int = 3
    batch_size: int = 50
    lane_messages: int = 200
    depths: Mapping[Priority, int] = field(default_factory=dict)
    workflows: list[DueWorkflow] = field(default_factory=list)
    #: How many workflows were asked for at most.
    limits: list[int] = field(default_factory=list)
    parked: list[tuple[list[int], str]] = field(default_factory=list)
    #: Depths with which orders that are kept waiting were looked for.
    aged: list[Mapping[Priority, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tables, self.bells, self.meter = Tables(), MemoryBells(), RecordingMeter()
        self.relay = Relay(
            search=MemoryDueOrders(self.tables),
            take_workflows=self.due,
            bells=self.bells,
            depths=lambda: self.depths,
            age=self.aged.append,
            park=self.park,
            meter=self.meter,
            pace=RelayPace(
                ring_after_seconds=self.ring_after,
                max_rings=self.max_rings,
                batch_size=self.batch_size,
                lane_messages=self.lane_messages,
            ),
            hours=ALWAYS_OPEN,
        )

    def due(self, limit: int) -> Sequence[DueWorkflow]:
        self.limits.append(limit)
        return self.workflows

    def park(self, order_ids: Sequence[int], detail: str) -> int:
        assert not self.tables.order_locks, "what is to be parked is not held by the relay"
        self.parked.append((list(order_ids), detail))
        return len(order_ids)

    def order(
        self,
        rings: int = 0,
        priority: Priority = NORMAL,
        *,
        due: float = 1.0,
        left: bool = False,
    ) -> int:
        """Store an order that is due for so many seconds; ``left`` on its way to the venue."""
        order = self.tables.order(priority=priority)
        row, now = self.tables.rows[order.id], self.tables.clock()
        row.rings, row.ring_at = rings, now - timedelta(seconds=due)
        if left:
            order.status, row.lease_until = OrderStatus.SUBMITTING, now
        return order.id

    def noted(self, order_id: int) -> tuple[int, float]:
        """Return rings, and seconds until the next one."""
        row = self.tables.rows[order_id]
        return row.rings, (row.ring_at - self.tables.clock()).total_seconds()


@pytest.fixture
def sweeper() -> Sweeper:
    return Sweeper()


def test_what_is_due_is_rung_for_and_noted(sweeper: Sweeper) -> None:
    first, second = sweeper.order(priority=Priority.HIGH), sweeper.order(priority=Priority.HIGH)
    later = sweeper.order(due=-1)

    assert sweeper.relay.sweep() == 2

    assert sweeper.bells.rung == [(Priority.HIGH, [first, second], False)]
    assert [sweeper.noted(i) for i in (first, second, later)] == [(1, 2.0), (1, 2.0), (0, 1.0)]
    assert sweeper.meter.added == [(Metric.ORDERS_SWEPT, 2, {})]
    assert sweeper.parked == []


def test_where_nothing_is_due_nothing_is_noted(sweeper: Sweeper) -> None:
    sweeper.order(due=-1)

    assert sweeper.relay.sweep() == 0

    assert (sweeper.bells.asked, sweeper.meter.added, sweeper.parked) == (0, [], [])


@pytest.mark.parametrize(
    ("ring_after", "rings", "pause"),
    [
        (2.0, 0, 2.0),
        (2.0, 1, 4.0),
        (2.0, 2, 8.0),
        (2.0, 3, 8.0),
        (0.001, 9, 0.512),
        (0.001, 10, 1.024),
        (0.001, 11, 1.024),
        (9.0, 0, 8.0),
    ],
)
def test_each_ring_waits_twice_as_long_as_the_one_before_up_to_eight_seconds(
    ring_after: float, rings: int, pause: float
) -> None:
    sweeper = Sweeper(ring_after, max_rings=50)
    order_id = sweeper.order(rings)

    sweeper.relay.sweep()

    counted, seconds = sweeper.noted(order_id)
    assert (counted, seconds) == (rings + 1, pause)


@pytest.mark.parametrize(
    ("depths", "noted"),
    [({NORMAL: 1}, (1, 5.0)), ({NORMAL: 0}, (2, 4.0)), ({Priority.HIGH: 7}, (2, 4.0))],
)
def test_a_ring_counts_only_where_no_message_of_the_lane_waits(
    sweeper: Sweeper, depths: Mapping[Priority, int], noted: tuple[int, float]
) -> None:
    sweeper.depths = depths
    order_id = sweeper.order(rings=1)

    sweeper.relay.sweep()

    assert sweeper.bells.rung == [(NORMAL, [order_id], False)]
    assert sweeper.noted(order_id) == noted


def test_a_lane_full_of_messages_gets_no_more(sweeper: Sweeper) -> None:
    full, fine = sweeper.order(), sweeper.order(priority=Priority.LOW)
    sweeper.depths = {NORMAL: 200, Priority.LOW: 199}

    assert sweeper.relay.sweep() == 1

    assert sweeper.bells.rung == [(Priority.LOW, [fine], False)]
    assert sweeper.noted(full) == (0, -1.0)


def test_a_lane_is_rung_in_as_often_as_it_has_room_and_the_last_time_for_the_whole_lane() -> None:
    sweeper = Sweeper(batch_size=2, lane_messages=3)
    orders = [sweeper.order() for _ in range(7)]

    assert sweeper.relay.sweep() == 7

    assert [ids for _, ids, _ in sweeper.bells.rung] == [orders[:2], orders[2:4], orders[4:6]]
    assert sweeper.bells.for_lane == [orders[4:6]]
    # No message has asked for the last one yet, so nothing is counted against it.
    assert [sweeper.noted(i) for i in orders] == [(1, 2.0)] * 6 + [(0, 5.0)]


def test_messages_that_wait_take_room(sweeper: Sweeper) -> None:
    sweeper = Sweeper(batch_size=1, lane_messages=3, depths={NORMAL: 2})
    first, second = sweeper.order(), sweeper.order()
    abandoned = sweeper.order(left=True)

    sweeper.relay.sweep()

    assert sweeper.bells.rung == [(NORMAL, [first], False), (NORMAL, [abandoned], True)]
    assert sweeper.bells.for_lane == [[first]]
    assert sweeper.noted(second) == (0, 5.0)


def test_where_all_doorbells_find_room_none_asks_for_more_than_its_own() -> None:
    sweeper = Sweeper(batch_size=1, lane_messages=3)
    orders = [sweeper.order() for _ in range(3)]

    sweeper.relay.sweep()

    assert [ids for _, ids, _ in sweeper.bells.rung] == [[i] for i in orders]
    assert sweeper.bells.for_lane == []


def test_a_backlog_is_never_counted_against_the_orders_behind_it() -> None:
    sweeper, clock = Sweeper(batch_size=1, lane_messages=2, max_rings=3), ManualClock(NOW)
    sweeper.tables.clock = clock
    orders = [sweeper.tables.rows[sweeper.order()].order for _ in range(30)]

    for _ in range(30):
        sweeper.relay.sweep()
        # The workers decide the orders of each doorbell, and nothing else until the next sweep.
        for _, order_ids, _ in sweeper.bells.rung:
            for order_id in order_ids:
                sweeper.tables.rows[order_id].order.status = OrderStatus.FILLED
        sweeper.bells.rung.clear()
        clock.advance(10)

    assert sweeper.parked == []
    assert {order.status for order in orders} == {OrderStatus.FILLED}


def test_where_every_lane_is_full_nothing_is_looked_for(sweeper: Sweeper) -> None:
    sweeper.order()
    sweeper.depths = dict.fromkeys(Priority, 200)
    sweeper.workflows = [DueWorkflow(1, WorkflowKind.BASKET)]

    assert sweeper.relay.sweep() == 0

    assert (sweeper.bells.asked, sweeper.limits) == (0, [])


def test_a_square_off_goes_on_while_every_lane_is_full_of_doorbells() -> None:
    sweeper = Sweeper(lane_messages=9, depths=dict.fromkeys(Priority, 9))
    sweeper.order()
    sweeper.workflows = [DueWorkflow(1, WorkflowKind.SQUARE_OFF)]

    assert sweeper.relay.sweep() == 1

    assert (sweeper.bells.advanced, sweeper.bells.rung) == ([(1, True)], [])


def test_what_was_left_on_its_way_is_rung_for_while_every_lane_is_full_of_doorbells() -> None:
    sweeper = Sweeper(batch_size=1, lane_messages=9, depths=dict.fromkeys(Priority, 12))
    waiting = sweeper.order()
    left = [sweeper.order(priority=Priority.LOW, left=True) for _ in range(2)]

    assert sweeper.relay.sweep() == 2

    assert sweeper.bells.rung == [(Priority.LOW, [order_id], True) for order_id in left]
    assert [sweeper.noted(i) for i in left] == [(0, 5.0)] * 2
    assert sweeper.noted(waiting) == (0, -1.0)


def test_no_ring_is_made_where_the_depth_of_the_queues_is_not_known(sweeper: Sweeper) -> None:
    order_id = sweeper.order(rings=3)
    sweeper.relay._depths = _away

    with pytest.raises(ConnectionError):
        sweeper.relay.sweep()

    assert (sweeper.bells.asked, sweeper.parked) == (0, [])
    assert sweeper.noted(order_id) == (3, -1.0)


def test_lanes_are_rung_for_in_their_order_each_in_batches_by_age() -> None:
    sweeper = Sweeper(batch_size=2)
    low = [sweeper.order(priority=Priority.LOW, due=due) for due in (1, 2, 3, 4, 5)]
    urgent = sweeper.order(priority=Priority.EMERGENCY)

    assert sweeper.relay.sweep() == 6

    assert sweeper.bells.rung == [
        (Priority.EMERGENCY, [urgent], False),
        (Priority.LOW, low[:2], False),
        (Priority.LOW, low[2:4], False),
        (Priority.LOW, low[4:], False),
    ]


def test_what_was_left_on_its_way_is_rung_for_apart_and_exactly(sweeper: Sweeper) -> None:
    left = [sweeper.order(left=True) for _ in range(2)]
    waiting = [sweeper.order() for _ in range(2)]

    sweeper.relay.sweep()

    assert sweeper.bells.rung == [(NORMAL, waiting, False), (NORMAL, left, True)]
    assert {sweeper.noted(i) for i in (*left, *waiting)} == {(1, 2.0)}


@pytest.mark.parametrize(
    ("max_rings", "rings", "alone"),
    [(3, 1, False), (3, 2, True), (4, 1, False), (4, 2, True), (5, 2, False), (5, 3, True)],
)
@pytest.mark.parametrize("left", [False, True])
def test_half_way_to_being_parked_an_order_is_rung_for_alone(
    max_rings: int, rings: int, *, alone: bool, left: bool
) -> None:
    sweeper = Sweeper(max_rings=max_rings)
    orders = [sweeper.order(rings, left=left) for _ in range(2)]

    sweeper.relay.sweep()

    apart = [(NORMAL, [order_id], True) for order_id in orders]
    assert sweeper.bells.rung == (apart if alone else [(NORMAL, orders, left)])


def test_those_rung_for_alone_come_after_the_others_of_their_lane(sweeper: Sweeper) -> None:
    tired, fresh = sweeper.order(rings=2), sweeper.order()

    sweeper.relay.sweep()

    assert sweeper.bells.rung == [(NORMAL, [fresh], False), (NORMAL, [tired], True)]


@pytest.mark.parametrize("left", [False, True])
def test_what_no_ring_brings_to_a_decision_is_parked_and_not_rung_for(
    sweeper: Sweeper, *, left: bool
) -> None:
    hopeless, beyond = sweeper.order(rings=3, left=left), sweeper.order(rings=4, left=left)
    last_chance = sweeper.order(rings=2, left=left)

    assert sweeper.relay.sweep() == 3

    assert sweeper.parked == [([hopeless, beyond], "not decided after 3 rings")]
    assert sweeper.bells.rung == [(NORMAL, [last_chance], True)]
    # Where parking fails, they are due again in a moment.
    assert [sweeper.noted(i) for i in (hopeless, beyond)] == [(3, 2.0), (4, 2.0)]
    assert sweeper.meter.added == [(Metric.ORDERS_SWEPT, 3, {})]


def test_a_message_that_is_not_taken_ends_the_ringing_and_counts_for_nobody() -> None:
    sweeper = Sweeper(batch_size=2)
    orders = [sweeper.order(rings=1) for _ in range(6)]
    sweeper.bells.takes = 1

    assert sweeper.relay.sweep() == 6

    assert sweeper.bells.asked == 2
    noted = [sweeper.noted(order_id) for order_id in orders]
    assert noted == [(2, 4.0)] * 2 + [(1, 2.0)] * 4
    assert sweeper.parked == []


def test_what_is_due_is_held_while_it_is_rung_for(sweeper: Sweeper) -> None:
    order_id = sweeper.order()
    others: list[int] = []
    other = Relay(
        search=MemoryDueOrders(sweeper.tables),
        take_workflows=sweeper.due,
        bells=MemoryBells(),
        depths=dict,
        age=lambda _: None,
        park=sweeper.park,
        meter=sweeper.meter,
        pace=RelayPace(
            ring_after_seconds=2,
            max_rings=3,
            batch_size=50,
            lane_messages=200,
        ),
        hours=ALWAYS_OPEN,
    )
    sweeper.bells.meanwhile = lambda: others.append(other.sweep())

    assert sweeper.relay.sweep() == 1

    assert others == [0]
    assert sweeper.noted(order_id) == (1, 2.0)


def test_a_sweep_takes_a_thousand(sweeper: Sweeper) -> None:
    for _ in range(1_001):
        sweeper.order()

    assert sweeper.relay.sweep() == 1_000
    assert sweeper.relay.sweep() == 1

    assert sweeper.limits == [1_000, 1_000]


def test_workflows_are_asked_for_and_a_square_off_at_once(sweeper: Sweeper) -> None:
    kinds = (WorkflowKind.BASKET, WorkflowKind.SQUARE_OFF, WorkflowKind.BASKET)
    sweeper.workflows = [DueWorkflow(n, kind) for n, kind in enumerate(kinds, start=1)]
    sweeper.order()

    assert sweeper.relay.sweep() == 4

    assert sweeper.bells.advanced == [(1, False), (2, True), (3, False)]


def test_a_workflow_that_is_not_asked_for_ends_the_asking(sweeper: Sweeper) -> None:
    sweeper.workflows = [DueWorkflow(n, WorkflowKind.BASKET) for n in (1, 2, 3)]
    sweeper.bells.takes = 1

    assert sweeper.relay.sweep() == 3

    assert sweeper.bells.advanced == [(1, False)]
    assert sweeper.bells.asked == 2


def _away() -> Any:
    raise ConnectionError


def test_orders_that_are_kept_waiting_are_looked_for_behind_full_lanes_too(
    sweeper: Sweeper,
) -> None:
    sweeper.depths = dict.fromkeys(Priority, 199)

    sweeper.relay.sweep()

    assert sweeper.aged == [sweeper.depths]
