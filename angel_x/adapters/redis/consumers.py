"""The queues that some worker has lately asked the message broker for."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from redis import Redis

_PREFIX = "ax:consumed:"


def note_consumed(broker: Redis, queues: Collection[str], seconds: int) -> None:
    """Note that a worker asks for these queues; the note lives for so many seconds."""
    with broker.pipeline(transaction=False) as pipe:
        for queue in queues:
            pipe.set(_PREFIX + queue, 1, ex=seconds)
        pipe.execute()


class Consumers:
    def __init__(self, broker: Redis) -> None:
        self._broker = broker

    def unheard(self, queues: Collection[str]) -> list[str]:
        """Return those of the queues that no worker has lately asked for."""
        names = sorted(queues)
        found = cast("list[bytes | None]", self._broker.mget([_PREFIX + name for name in names]))
        return [name for name, note in zip(names, found, strict=True) if note is None]
