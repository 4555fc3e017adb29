from __future__ import annotations

import redis
from celery import Celery

from angel_x.adapters.redis.queue_depths import QueueDepths
from config.addresses import kombu_address
from tests.plugins.servers import RedisUrls


def test_messages_of_every_priority_step_are_counted(redis_urls: RedisUrls) -> None:
    address = redis_urls.broker_redis_url
    sender = Celery(broker=kombu_address(address), set_as_current=False)
    for priority in (0, 3, 6, 9):
        sender.send_task("orders.submit", priority=priority)
    sender.close()

    with redis.Redis.from_url(address) as broker:
        assert QueueDepths(broker, ["celery", "monitor"]).read() == {"celery": 4, "monitor": 0}
