"""Results of messages, in the form in which Celery's clients read them from Redis."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from redis import Redis


class RedisTaskResults:
    """One key for each message whose sender requested a result."""

    def __init__(self, client: Redis, *, ttl_seconds: int, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._ttl_seconds = ttl_seconds
        self._clock = clock

    def put(self, message_id: str, result: object) -> None:
        """Keep a result and publish it to a sender that waits, in one round trip."""
        # A sender makes up its ids, and half of a character in one must not fail the task.
        key = f"celery-task-meta-{message_id}".encode(errors="replace")
        meta = json.dumps(
            {
                "task_id": message_id,
                "status": "SUCCESS",
                "result": result,
                "traceback": None,
                "children": [],
                "date_done": self._clock().isoformat(),
            }
        )
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.set(key, meta, ex=self._ttl_seconds)
            pipeline.publish(key, meta)
            pipeline.execute()
