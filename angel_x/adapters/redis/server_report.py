"""A report on one Redis or Valkey: memory, largest keys, slow log, keyspace, latency and clients.

Nothing here keeps the server from its clients: keys are looked at in small steps by SCAN, and none of the
commands walks over all of them at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import ResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from redis import Redis

_Section = TypeVar("_Section")

#: Keys of one step of SCAN, and of one round trip that asks for their sizes.
_STEP = 200
#: Elements of a key that are sampled for its size: all of them would take as long as it is large.
_SAMPLES = 5
_PINGS = 20
_SLOW_COMMANDS = 10
#: Of a slow command the name and the key: its values may be orders.
_WORDS = 2
_WORD_LENGTH = 80
#: The fields of INFO in the order of the records.
_MEMORY = itemgetter(
    "used_memory", "used_memory_peak", "maxmemory", "maxmemory_policy", "mem_fragmentation_ratio"
)
_CLIENTS = itemgetter("connected_clients", "blocked_clients", "rejected_connections")


@dataclass(frozen=True, slots=True)
class Memory:
    """Sizes in bytes."""

    used: int
    peak: int
    #: Zero: without a limit.
    maximum: int
    policy: str
    #: Memory of the process by memory in use.
    fragmentation: float


@dataclass(frozen=True, slots=True)
class BigKey:
    name: str
    type: str
    #: Estimated from some of its elements.
    bytes: int


@dataclass(frozen=True, slots=True)
class SlowCommand:
    command: str
    milliseconds: float
    at: int


@dataclass(frozen=True, slots=True)
class Keyspace:
    database: str
    keys: int
    #: Keys that expire.
    expiring: int


@dataclass(frozen=True, slots=True)
class ServerLatency:
    """Round trips of PING in milliseconds, and the longest delay of each event that the server noted."""

    median_ms: float
    worst_ms: float
    #: Empty where ``latency-monitor-threshold`` is 0.
    events: dict[str, int]


@dataclass(frozen=True, slots=True)
class Clients:
    connected: int
    blocked: int
    #: Refused since the start because of ``maxclients``.
    rejected: int


@dataclass(frozen=True, slots=True)
class ServerReport:
    server: str
    version: str
    memory: Memory
    keyspace: tuple[Keyspace, ...]
    clients: Clients
    latency: ServerLatency
    #: The slowest first.
    slow_commands: tuple[SlowCommand, ...]
    #: The largest first, of the keys that were looked at.
    big_keys: tuple[BigKey, ...]
    keys_looked_at: int
    #: Sections that the server refuses, as to a user without the right.
    refused: tuple[str, ...]


def read_report(client: Redis, server: str, *, most_keys: int, biggest: int) -> ServerReport:
    """Return the report on the server of a client.

    ``most_keys`` bounds the keys of its database that are looked at.
    """
    found = client.info()
    sections, no_keys = _Sections(), tuple[BigKey, ...]()
    keys = sections.read("big keys", lambda: tuple(_sizes(client, most_keys)), no_keys)
    return ServerReport(
        server=server,
        version=str(found.get("valkey_version") or found["redis_version"]),
        memory=Memory(*_MEMORY(found)),
        keyspace=tuple(_keyspaces(found)),
        clients=Clients(*_CLIENTS(found)),
        latency=_latency(client, sections),
        slow_commands=sections.read("slow log", lambda: _slow_commands(client), ()),
        big_keys=tuple(sorted(keys, key=lambda key: key.bytes, reverse=True)[:biggest]),
        keys_looked_at=len(keys),
        refused=tuple(sections.refused),
    )


def _keyspaces(found: dict[str, Any]) -> Iterator[Keyspace]:
    for name, counts in found.items():
        if name.startswith("db") and isinstance(counts, dict):
            yield Keyspace(name, counts["keys"], counts["expires"])


def _latency(client: Redis, sections: _Sections) -> ServerLatency:
    times = sorted(_round_trip(client) for _ in range(_PINGS))
    rows: list[list[Any]] = sections.read(
        "latency",
        lambda: client.execute_command("LATENCY", "LATEST"),  # type: ignore[no-untyped-call]
        [],
    )
    events = {_shown(row[0]): int(row[3]) for row in rows}
    return ServerLatency(round(times[len(times) // 2], 3), round(times[-1], 3), events)


def _round_trip(client: Redis) -> float:
    started = perf_counter()
    client.ping()
    return (perf_counter() - started) * 1000


def _slow_commands(client: Redis) -> tuple[SlowCommand, ...]:
    found = [
        SlowCommand(
            " ".join(word[:_WORD_LENGTH] for word in _shown(entry["command"]).split()[:_WORDS]),
            entry["duration"] / 1000,
            entry["start_time"],
        )
        for entry in client.slowlog_get(_SLOW_COMMANDS)
    ]
    return tuple(sorted(found, key=lambda each: each.milliseconds, reverse=True))


def _sizes(client: Redis, most: int) -> Iterator[BigKey]:
    """Yield the size of each key, in steps that leave the server to others in between."""
    cursor, left = 0, most
    while left > 0:
        cursor, names = client.scan(cursor, count=_STEP)
        yield from _sized(client, names[:left])
        left -= len(names)
        if cursor == 0:
            return


def _sized(client: Redis, names: Sequence[bytes | str]) -> Iterator[BigKey]:
    with client.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.memory_usage(name, samples=_SAMPLES)
            pipe.type(name)
        answers = pipe.execute()
    for name, size, kind in zip(names, answers[::2], answers[1::2], strict=True):
        # A key may have expired since it was found.
        if size is not None:
            yield BigKey(_shown(name), _shown(kind), size)


@dataclass(frozen=True, slots=True)
class _Sections:
    """Reads sections, and keeps the names of those that the server refuses."""

    refused: list[str] = field(default_factory=list)

    def read(self, name: str, read: Callable[[], _Section], otherwise: _Section) -> _Section:
        try:
            return read()
        except ResponseError:
            self.refused.append(name)
            return otherwise


def _shown(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
