"""Counts of redeliveries by message, kept for a day."""

from __future__ import annotations

from redis import Redis

_TTL_SECONDS = 86_400


class RedisRedeliveries:
    """One counter for each redelivered message."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def begin(self, message_id: str) -> int:
        """Count an attempt before it is made, so that one which ends its process counts as well."""
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.incr(_key(message_id))
            pipeline.expire(_key(message_id), _TTL_SECONDS)
            attempts, _ = pipeline.execute()
        return int(attempts)

    def forgive(self, message_id: str) -> None:
        self._client.decr(_key(message_id))


def _key(message_id: str) -> str:
    return f"ax:redelivered:{message_id}"
