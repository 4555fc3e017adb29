"""Problems of refused Celery submissions, kept for a day for their account."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from redis import Redis

_TTL_SECONDS = 86_400


class RedisRefusals:
    """One JSON problem for each account and client order id."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def put(self, user_id: int, client_order_ids: Sequence[str], problem: object) -> None:
        """Keep a problem under each of those ids, in one round trip."""
        body = msgspec.json.encode(problem)
        with self._client.pipeline(transaction=False) as pipeline:
            for client_order_id in client_order_ids:
                pipeline.set(_key(user_id, client_order_id), body, ex=_TTL_SECONDS)
            pipeline.execute()

    def get(self, user_id: int, client_order_id: str) -> bytes | None:
        """Return the problem as JSON, None where nothing was refused."""
        value = self._client.get(_key(user_id, client_order_id))
        assert value is None or isinstance(value, bytes)
        return value


def _key(user_id: int, client_order_id: str) -> str:
    return f"ax:submission:{user_id}:{client_order_id}"
