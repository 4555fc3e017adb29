"""The state of one Redis or Valkey server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis import Redis

_WRITTEN = "ax:doctor"
_WRITTEN_SECONDS = 10
_FINE = "ok"
#: Last writes of files, with the words for a failed one.
_WRITES = {
    "aof_last_write_status": "the log of commands could not be written",
    "aof_last_bgrewrite_status": "the log of commands could not be rewritten",
    "rdb_last_bgsave_status": "the snapshot could not be written",
}


@dataclass(frozen=True, slots=True)
class RedisState:
    policy: str
    #: Whether messages survive a restart of the server.
    is_logged: bool
    max_clients: int
    connected: int
    #: Faults of the server's own files, as on a full disk.
    faults: tuple[str, ...]


def read_state(client: Redis) -> RedisState:
    found: dict[str, Any] = client.info()
    return RedisState(
        policy=found["maxmemory_policy"],
        is_logged=bool(found["aof_enabled"]),
        max_clients=int(found.get("maxclients", 0)),
        connected=found["connected_clients"],
        faults=tuple(words for name, words in _WRITES.items() if found.get(name, _FINE) != _FINE),
    )


def read_time(client: Redis) -> datetime:
    """Return the server's time, UTC."""
    seconds, micros = client.time()
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=micros)


def write(client: Redis) -> None:
    """Write a key that expires.

    Raises:
        RedisError: The server refuses, as one that is full or cannot write its log.
    """
    client.set(_WRITTEN, 1, ex=_WRITTEN_SECONDS)
