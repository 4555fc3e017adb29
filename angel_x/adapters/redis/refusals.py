"""Refusals of Celery submissions, kept for a day by account and client order id, and by message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from angel_x.domain.records.refusal import RefusalRecord

if TYPE_CHECKING:
    from redis import Redis

_TTL_SECONDS = 86_400


class RedisRefusals:
    """One JSON record for each account and client order id, and for each message."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def put(self, user_id: int, client_order_ids: Sequence[str], refusal: RefusalRecord) -> None:
        """Keep a refusal under each of those ids and under its message, in one round trip."""
        body = msgspec.json.encode(refusal)
        with self._client.pipeline(transaction=False) as pipeline:
            for client_order_id in client_order_ids:
                pipeline.set(_key(user_id, client_order_id), body, ex=_TTL_SECONDS)
            pipeline.set(_message_key(user_id, refusal.message_id), body, ex=_TTL_SECONDS)
            pipeline.execute()

    def get(self, user_id: int, client_order_id: str) -> RefusalRecord | None:
        """Return the last refusal, None where nothing was refused."""
        return self._read(_key(user_id, client_order_id))

    def of_message(self, user_id: int, message_id: str) -> RefusalRecord | None:
        """Return the refusal of a message of an account, None where it was not refused."""
        return self._read(_message_key(user_id, message_id))

    def _read(self, key: str) -> RefusalRecord | None:
        value = self._client.get(key)
        assert value is None or isinstance(value, bytes)
        return None if value is None else msgspec.json.decode(value, type=RefusalRecord)


def _key(user_id: int, client_order_id: str) -> str:
    return f"ax:submission:{user_id}:{client_order_id}"


def _message_key(user_id: int, message_id: str) -> str:
    return f"ax:refused-message:{user_id}:{message_id}"
