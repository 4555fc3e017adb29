"""The live event stream: a capped Redis stream that the API serves; its loss changes no state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from redis import Redis

from angel_x.domain.records.live_event import LiveEvent

KEY = "ax:events"
_LENGTH = 10_000
#: The ``user_id`` of events for all accounts.
EVERYBODY = 0


# One command for all events: packing as many commands costs the client several times as much.
_APPEND = """
for i = 2, #ARGV, 3 do
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*',
        'user_id', ARGV[i], 'kind', ARGV[i + 1], 'body', ARGV[i + 2])
end
"""


class EventStream:
    def __init__(self, cache: Redis, *, length: int = _LENGTH) -> None:
        self._cache = cache
        self._length = length
        self._append = cache.register_script(_APPEND)

    def publish(self, events: Sequence[Mapping[str, object]]) -> None:
        """Append events in one round trip; fields other than ``user_id`` and ``kind`` are the body."""
        if not events:
            return
        arguments: list[str | bytes | int] = [self._length]
        for event in events:
            arguments += _written(event)
        self._append(keys=[KEY], args=arguments)

    def read(self, after_id: str, block_ms: int | None = None, count: int = 500) -> list[LiveEvent]:
        """Return the events after ``after_id``, waiting up to ``block_ms`` for the first.

        ``$`` means from now on.
        """
        answer = cast(Any, self._cache.xread({KEY: after_id}, count=count, block=block_ms))
        return [_event(*entry) for _, entries in answer or () for entry in entries]

    def last_id(self) -> str:
        """Return the id of the newest event, from which a new reader starts."""
        newest = cast(Any, self._cache.xrevrange(KEY, count=1))
        return str(newest[0][0], "ascii") if newest else "0-0"


def _written(event: Mapping[str, object]) -> tuple[str, str, bytes]:
    body = {key: value for key, value in event.items() if key not in {"user_id", "kind"}}
    return str(event["user_id"]), str(event["kind"]), msgspec.json.encode(body, enc_hook=str)


def _event(entry_id: bytes, fields: Mapping[bytes, bytes]) -> LiveEvent:
    return LiveEvent(
        entry_id.decode(),
        int(fields[b"user_id"]),
        fields[b"kind"].decode(),
        fields[b"body"].decode(),
    )
