"""The relay: rings again for orders and workflows whose messages were lost.

These are orders that wait for a decision, orders at the venue with an expired lease, and due
workflows.  It runs outside of Beat and Celery, possibly in two processes at once: each skips the rows
that the other has locked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import structlog

from angel_x.domain.operations.due_order import DueOrder
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import Priority
from angel_x.domain.workflows.workflow import DueWorkflow, WorkflowKind
from angel_x.services.ports import Meter
from angel_x.services.trading_hours import TradingHours

log = structlog.get_logger()

_AT_A_TIME = 1000
#: Messages in every lane at which no message of any kind is added.
_CROWDED = 200
_LONGEST_PAUSE_SECONDS = 8.0
#: Until the next ring where messages of the lane still wait: ours may be among them.
_BACKLOG_PAUSE_SECONDS = 5.0


class DueUnit(Protocol):
    """The due rows of this relay, locked until it is left."""

    def due(self, lanes: Collection[Priority], limit: int) -> Sequence[DueOrder]:
        """Return due orders that no other relay holds.

        ``lanes`` limits those that wait; those left on their way to the venue are of any lane.
        """

    def rung(self, rings: dict[int, tuple[int, float]]) -> None:
        """Store rings, and the seconds until the next one, by order; then commit."""


class DueOrders(Protocol):
    """Finds due orders."""

    def due_unit(self) -> AbstractContextManager[DueUnit]: ...

    def open_market(self, limit: int) -> int:
        """Make orders due that waited for the opening; return their number."""


#: Takes due workflows, at most as many as the number, for a while in which no other relay finds them.
TakeDueWorkflows = Callable[[int], Sequence[DueWorkflow]]


class Bells(Protocol):
    """Sends messages; each result is whether the message broker accepted it."""

    def ring(self, priority: Priority, order_ids: Sequence[int], *, exactly: bool = False) -> bool:
        """Ring for orders; ``exactly`` asks for a decision of these orders only."""

    def ring_on(self, priority: Priority, batches: Sequence[Sequence[int]]) -> bool:
        """Ring for batches until the lane is full, each time for all orders that wait there."""

    def advance(self, workflow_id: int, *, emergency: bool) -> bool:
        """Ask for the next step of a workflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayPace:
    """How often, and for how many orders at once, a relay rings."""

    ring_after_seconds: float
    #: Counted rings after which an order is parked.
    max_rings: int
    #: Orders of one doorbell, at most.
    batch_size: int
    #: Doorbells that a lane takes at most.
    lane_messages: int


@dataclass(frozen=True, slots=True)
class _Doorbell:
    lane: Priority
    order_ids: Sequence[int]
    exactly: bool = False
    stands_for_lane: bool = False


class Relay:
    """Rings for due orders and workflows, and parks orders out of attempts."""

    def __init__(
        self,
        *,
        search: DueOrders,
        take_workflows: TakeDueWorkflows,
        bells: Bells,
        depths: Callable[[], Mapping[Priority, int]],
        age: Callable[[Mapping[Priority, int]], object],
        park: Callable[[Sequence[int], str], int],
        meter: Meter,
        pace: RelayPace,
        hours: TradingHours,
    ) -> None:
        self._search = search
        self._take_workflows = take_workflows
        self._bells = bells
        self._depths = depths
        self._age = age
        self._park = park
        self._meter = meter
        self._pace = pace
        self._hours = hours

    def sweep(self) -> int:
        """Ring for everything that is due; return how many orders and workflows were.

        A ring counts against an order only if its queue was empty: then every message had been
        consumed and the order was still not decided.  An order whose doorbell finds no room in its
        lane is not counted either.  An outage of all workers parks nothing, nor does one of a
        server, for which ``depths`` raises.
        """
        depths = self._depths()
        if all(depths.get(lane, 0) >= _CROWDED for lane in Priority):
            return 0
        self._age(depths)
        lanes = [lane for lane in Priority if depths.get(lane, 0) < self._pace.lane_messages]
        # Full lanes are usual behind a backlog.  Neither a square-off nor an order that was left on
        # its way to the venue waits for the end of it.
        return self._sweep_orders(depths, lanes) + self._sweep_workflows()

    def _open_market(self) -> None:
        if self._hours.is_open() and (count := self._search.open_market(_AT_A_TIME)):
            log.info("orders.released", count=count)

    def _sweep_orders(self, depths: Mapping[Priority, int], lanes: Collection[Priority]) -> int:
        self._open_market()
        with self._search.due_unit() as unit:
            due = unit.due(lanes, _AT_A_TIME)
            if not due:
                return 0
            hopeless = [order.id for order in due if order.rings >= self._pace.max_rings]
            alive = [order for order in due if order.rings < self._pace.max_rings]
            doorbells = list(self._doorbells(alive, depths))
            offered = {order_id for doorbell in doorbells for order_id in doorbell.order_ids}
            rung = self._ring_for(doorbells)
            notes = {o.id: self._next_ring(o, depths, rung=o.id in rung) for o in due}
            covered = {
                o.id: (o.rings, _BACKLOG_PAUSE_SECONDS) for o in alive if o.id not in offered
            }
            unit.rung(notes | covered)
        self._meter.add(Metric.ORDERS_SWEPT, len(due))
        log.info("orders.swept", count=len(rung), parked=len(hopeless))
        if hopeless:
            self._park(hopeless, f"not decided after {self._pace.max_rings} rings")
        return len(due)

    def _sweep_workflows(self) -> int:
        """Send a message for each due workflow; without a message it becomes due again soon.

        Attempts are counted where they are made, so a lost message does not count as one.
        """
        due = self._take_workflows(_AT_A_TIME)
        for workflow in due:
            is_urgent = workflow.kind is WorkflowKind.SQUARE_OFF
            if not self._bells.advance(workflow.id, emergency=is_urgent):
                break
        if due:
            log.info("workflows.swept", count=len(due))
        return len(due)

    def _ring_for(self, doorbells: Sequence[_Doorbell]) -> set[int]:
        """Ring, and return for which orders; a message that is not taken ends it."""
        rung: set[int] = set()
        for bell in doorbells:
            # The rows are locked: waiting for a sick broker again and again would stop workers.
            if not self._ring(bell):
                break
            rung.update(bell.order_ids)
        return rung

    def _ring(self, bell: _Doorbell) -> bool:
        if bell.stands_for_lane:
            return self._bells.ring_on(bell.lane, [bell.order_ids])
        return self._bells.ring(bell.lane, bell.order_ids, exactly=bell.exactly)

    def _doorbells(
        self, orders: Sequence[DueOrder], depths: Mapping[Priority, int]
    ) -> Iterator[_Doorbell]:
        """Yield lane by lane the doorbells for which there is room.

        Half way to being parked an order is rung for alone: if another one, next to it, ends
        every process, this one must not be parked for it.  An order on its way to the venue
        waits in no lane, so a doorbell has to ask for exactly that.
        """
        enough = (self._pace.max_rings + 1) // 2
        for priority in Priority:
            lane = sorted((o for o in orders if o.priority is priority), key=lambda o: o.id)
            together = [o for o in lane if o.rings < enough]
            waiting = self._batches([o.id for o in together if not o.is_abandoned])
            room = max(0, self._pace.lane_messages - depths.get(priority, 0))
            # Those that find no room are left to the last one that does.
            last = room - 1 if len(waiting) > room else None
            for place, batch in enumerate(waiting[:room]):
                yield _Doorbell(priority, batch, stands_for_lane=place == last)
            for batch in self._batches([o.id for o in together if o.is_abandoned]):
                yield _Doorbell(priority, batch, exactly=True)
            yield from (
                _Doorbell(priority, [o.id], exactly=True) for o in lane if o.rings >= enough
            )

    def _batches(self, order_ids: Sequence[int]) -> list[Sequence[int]]:
        size = self._pace.batch_size
        return [order_ids[start : start + size] for start in range(0, len(order_ids), size)]

    def _next_ring(
        self, order: DueOrder, depths: Mapping[Priority, int], *, rung: bool
    ) -> tuple[int, float]:
        if not rung:
            return order.rings, self._pace.ring_after_seconds
        if depths.get(order.priority, 0):
            return order.rings, _BACKLOG_PAUSE_SECONDS
        pause = self._pace.ring_after_seconds * 2.0 ** min(order.rings, 10)
        return order.rings + 1, min(pause, _LONGEST_PAUSE_SECONDS)
