"""Valkey (or Redis) of one home, once as the message broker and once as the cache."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.children.aside import clear_for_file, remove
from angel_x.adapters.children.guardian import ServerPlan
from angel_x.adapters.home_files import write_whole
from angel_x.adapters.redis.connecting import connect
from angel_x.adapters.servers.places import PRIVATE, Places, own_directory
from angel_x.adapters.servers.urls import RedisAddress

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    "databases": "256",
    "save": '""',  # snapshots of the whole are of no use to a queue or a cache
}

#: A full broker refuses the new message; it never drops one that was accepted.
BROKER = {
    "maxmemory": "512mb",
    "maxmemory-policy": "noeviction",
    "appendonly": "yes",
    "appendfsync": "everysec",  # the database is the truth, so "always" would buy latency only
    "aof-load-truncated": "yes",
}

CACHE = {"maxmemory": "256mb", "maxmemory-policy": "allkeys-lfu", "appendonly": "no"}

#: Messages and cached values: all of it is sent or made again, and an unreadable file stops a start.
EXPENDABLE = ("appendonlydir", "appendonly.aof", "dump.rdb")
#: Files of a server that was killed while it wrote a new file.
DRAFTS = "temp-*"

STOP = [(signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)]


@dataclass(frozen=True, slots=True)
class Valkey:
    places: Places
    program: Path
    name: str
    policy: Mapping[str, str]
    durable: bool

    @property
    def socket(self) -> Path:
        return self.places.sockets / f"{self.name}.sock"

    @property
    def address(self) -> RedisAddress:
        return RedisAddress.of_socket(self.socket)

    def plan(self) -> ServerPlan:
        """Write the configuration, remove drafts of a killed server, and return the plan of the start."""
        directory = self.places.root / self.name
        own_directory(directory, PRIVATE)
        for draft in directory.glob(DRAFTS):
            remove(draft)
        # The server replaces an old socket itself, and can do so with files only.
        clear_for_file(self.socket)
        configuration = directory / "valkey.conf"
        write_whole(configuration, self._configuration(directory))
        return ServerPlan(
            name=self.name,
            argv=[str(self.program), str(configuration)],
            preparation=None,
            account=None,
            log=str(self.places.log(self.name)),
            expendable=[str(directory / name) for name in EXPENDABLE],
            # While the disk is slow, writing may lag two seconds; SIGKILL loses that, at no loss of an order.
            death_signal=signal.SIGKILL,
            stop=[(int(signum), grace) for signum, grace in STOP],
        )

    def refusal(self) -> str | None:
        """Send a PING; return the fault, None if the server answers."""
        return redis_refusal(self.address.redis_url)

    def _configuration(self, directory: Path) -> str:
        settings = {
            **SETTINGS,
            **self.policy,
            **({} if self.durable else {"appendonly": "no"}),
            "unixsocket": _quoted(self.socket),
            "dir": _quoted(directory),
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())


def redis_refusal(url: str) -> str | None:
    """Connect once, without retries; return the fault, None if the server answers."""
    client = connect(url, socket_timeout=5, retry=Retry(NoBackoff(), 0))
    with closing(client):
        try:
            client.ping()
        except redis.RedisError as error:
            return str(error)
    return None


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
