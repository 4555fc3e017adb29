"""The relay: it rings again for orders that wait, and decides overdue emergencies itself."""

from __future__ import annotations

from functools import partial

import redis

from angel_x.adapters.postgres.lane_orders import LaneOrders
from angel_x.adapters.postgres.overdue import PostgresOverdueOrders
from angel_x.adapters.redis.lane_queues import LANES
from angel_x.adapters.redis.queue_depths import QueueDepths
from angel_x.bootstrap.foundation import Foundation, lane_messages
from angel_x.bootstrap.order_parts import OrderParts
from angel_x.domain.orders.order import Priority
from angel_x.services.trading.ageing import Ageing
from angel_x.services.trading.execution import Execution
from angel_x.services.trading.overdue import OverdueEmergencies
from angel_x.services.trading.relay import Relay, RelayPace

#: Seconds after which the relay decides an emergency order itself, and how often it tries.
_OVERDUE_SECONDS, _OVERDUE_ATTEMPTS = 1.0, 3

#: Seconds after which an order does not wait any longer for the lanes above its own.
_KEPT_SECONDS = 5.0


def relay_of(base: Foundation, orders: OrderParts, execution: Execution) -> Relay:
    """Put together the relay."""
    return Relay(
        search=orders.search,
        take_workflows=orders.workflows.due,
        bells=base.dispatcher,
        depths=partial(_lane_depths, base.depths, base.cache),
        age=_ageing(base).look,
        park=execution.park,
        meter=base.meter,
        pace=RelayPace(
            ring_after_seconds=base.settings.ring_after_ms / 1000,
            max_rings=base.settings.max_rings,
            batch_size=base.settings.order_batch_size,
            lane_messages=lane_messages(base.settings),
        ),
        hours=base.hours,
    )


def overdue_emergencies(base: Foundation, execution: Execution) -> OverdueEmergencies:
    """Put together the rescue of emergency orders that no worker decides."""
    take = partial(
        PostgresOverdueOrders(base.engine).take,
        after_seconds=_OVERDUE_SECONDS,
        # The rest is left to messages: a ring counts only where a worker has failed.
        attempts=min(_OVERDUE_ATTEMPTS, base.settings.max_rings // 2),
    )
    return OverdueEmergencies(take=take, decide=execution.run)


def _ageing(base: Foundation) -> Ageing:
    return Ageing(
        find_late=LaneOrders(base.engine, each=1).late,
        ring_above=base.dispatcher.ring_above,
        after_seconds=_KEPT_SECONDS,
        batch_size=base.settings.order_batch_size,
        lane_messages=lane_messages(base.settings),
    )


def _lane_depths(depths: QueueDepths, cache: redis.Redis) -> dict[Priority, int]:
    """Return the depth of each lane, or raise where workers could not decide anyway.

    Without the cache every ring would fail, and count against orders that are not to blame.
    """
    cache.ping()
    read = depths.read()
    return {priority: read[queue.value] for priority, queue in LANES.items()}
