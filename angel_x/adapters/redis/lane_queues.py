"""The doorbells on the lists of the order lanes.

A doorbell is not added to a full lane.  The newest one represents the lane: after its own claim its
worker looks for all orders that wait there, so an order committed before is not missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from angel_x.adapters.celery_message import STANDS_FOR_LANE, is_open_doorbell
from angel_x.domain.orders.order import Priority
from config.queues import QueueName

if TYPE_CHECKING:
    from redis import Redis

#: The queue of each priority.
LANES: Mapping[Priority, QueueName] = {
    Priority.EMERGENCY: QueueName.EMERGENCY,
    Priority.HIGH: QueueName.HIGH,
    Priority.NORMAL: QueueName.NORMAL,
    Priority.LOW: QueueName.LOW,
}
_PRIORITIES = {queue.value: priority for priority, queue in LANES.items()}

# kombu writes a space after the colon when it puts a message back.
_PUSH = f"""
local length, bound = redis.call('LLEN', KEYS[1]), tonumber(ARGV[2])
local item = ARGV[1]
if length >= bound then
    local newest = redis.call('LINDEX', KEYS[1], 0)
    if string.find(newest, '"{STANDS_FOR_LANE}":%s*true') then
        return 0
    end
end
if length >= bound - 1 then
    item = string.gsub(item, '"{STANDS_FOR_LANE}":false', '"{STANDS_FOR_LANE}":true', 1)
end
redis.call('LPUSH', KEYS[1], item)
return 1
"""
_PUSH_SINGLE = """
if redis.call('LLEN', KEYS[1]) > 0 then
    return 0
end
redis.call('LPUSH', KEYS[1], ARGV[1])
return 1
"""
#: Items of a list that are read at once, the oldest.
_AT_A_TIME = 1000


def lane_of(queue: str) -> Priority:
    """Return the priority of a lane; doorbells on other queues ring for ``normal``."""
    return _PRIORITIES.get(queue, Priority.NORMAL)


class LaneQueues:
    """Doorbells on the lists of the message broker; ``bound`` of them on one list at most.

    Other messages on the list are counted with them, and left alone.
    """

    def __init__(self, broker: Redis, *, bound: int) -> None:
        self._broker = broker
        self._push = broker.register_script(_PUSH)
        self._push_single = broker.register_script(_PUSH_SINGLE)
        self._bound = bound

    def push(self, queue: QueueName, doorbell: bytes) -> bool:
        """Add a doorbell in one round trip; return False if a waiting one represents it."""
        return bool(self._push(keys=[queue.value], args=[doorbell, self._bound]))

    def push_single(self, queue: QueueName, message: bytes) -> bool:
        """Add a message to an empty list; return False where another one waits."""
        return bool(self._push_single(keys=[queue.value], args=[message]))

    def waiting(self, lane: Priority) -> list[bytes]:
        """Return the doorbells of a lane, oldest first, save those for exactly some orders."""
        items = cast("list[bytes]", self._broker.lrange(LANES[lane].value, -_AT_A_TIME, -1))
        return [item for item in reversed(items) if is_open_doorbell(item)]

    def discard(self, lane: Priority, doorbells: Sequence[bytes]) -> int:
        """Remove doorbells; return how many of them no worker had taken."""
        with self._broker.pipeline(transaction=False) as pipe:
            for doorbell in doorbells:
                # From the end at which the oldest are.
                pipe.lrem(LANES[lane].value, -1, doorbell)  # type: ignore[arg-type]  # bytes are sent as they are
            return sum(cast("list[int]", pipe.execute()))
