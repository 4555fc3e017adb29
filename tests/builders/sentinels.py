"""Three Valkeys, a master and two replicas, under three Sentinels."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.servers.binaries import find_valkey
from tests.builders.ports import free_port
from tests.e2e.processes import eventually

MASTER = "angel-x"
_PASSWORD = "5ec7e7"
#: Sentinels that have to agree.
_QUORUM = 2


@dataclass
class Sentinels:
    """The servers and their guards, by port."""

    folder: Path
    servers: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    guards: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def url(self, database: int) -> str:
        """The address of a database of the master, whichever that is."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.guards)
        return f"sentinel://:{_PASSWORD}@{hosts}/{database}?master={MASTER}"

    def start(self) -> None:
        first, *others = (free_port() for _ in range(3))
        self._start_server(first)
        for port in others:
            self._start_server(port, f"replicaof 127.0.0.1 {first}\n")
        for port in others:
            eventually(lambda port=port: self._follows(port), f"{port} follows {first}")  # type: ignore[misc]  # bound now
        for _ in range(3):
            self._start_guard(first)
        eventually(self._all_know_all, "every Sentinel knows all servers and Sentinels")

    def master(self) -> int:
        """Return the port of the master that a Sentinel names."""
        (guard, *_) = self.guards
        with closing(_client(guard)) as client:
            state: dict[str, Any] = client.info("sentinel")["master0"]
        return int(state["address"].rpartition(":")[2])

    def kill_master(self) -> int:
        """Kill the master; return its port."""
        port = self.master()
        self.servers[port].send_signal(signal.SIGKILL)
        self.servers[port].wait(60)
        return port

    def await_replicas(self) -> None:
        """Wait until the replicas have what the master has."""
        with closing(_client(self.master(), _PASSWORD)) as client:
            eventually(lambda: client.wait(2, 1000) == 2, "both replicas have everything")

    def stop(self) -> None:
        for process in (*self.guards.values(), *self.servers.values()):
            process.kill()
            process.wait(60)

    def _start_server(self, port: int, more: str = "") -> None:
        settings = (
            f"port {port}\nbind 127.0.0.1\nsave ''\nappendonly no\nrepl-diskless-sync-delay 0\n"
            f"requirepass {_PASSWORD}\nmasterauth {_PASSWORD}\n{more}"
        )
        self.servers[port] = self._launch(f"server-{port}", settings)
        eventually(lambda: _answers(port, _PASSWORD), f"{port} answers")

    def _start_guard(self, master: int) -> None:
        port = free_port()
        settings = (
            f"port {port}\nbind 127.0.0.1\n"
            f"sentinel monitor {MASTER} 127.0.0.1 {master} {_QUORUM}\n"
            f"sentinel auth-pass {MASTER} {_PASSWORD}\n"
            f"sentinel down-after-milliseconds {MASTER} 2000\n"
            f"sentinel failover-timeout {MASTER} 10000\n"
        )
        self.guards[port] = self._launch(f"sentinel-{port}", settings, "--sentinel")
        eventually(lambda: _answers(port), f"Sentinel {port} answers")

    def _launch(self, name: str, settings: str, *options: str) -> subprocess.Popen[bytes]:
        folder = self.folder / name
        folder.mkdir()
        file = folder / "valkey.conf"
        file.write_text(f"{settings}dir {folder}\n", encoding="utf-8")
        with (folder / "log").open("ab") as log:
            return subprocess.Popen(
                [find_valkey(), file, *options], stdout=log, stderr=log, start_new_session=True
            )

    def _follows(self, port: int) -> bool:
        with closing(_client(port, _PASSWORD)) as client:
            return client.info("replication").get("master_link_status") == "up"

    def _all_know_all(self) -> bool:
        return all(map(self._knows_all, self.guards))

    def _knows_all(self, guard: int) -> bool:
        with closing(_client(guard)) as client:
            state = client.info("sentinel")["master0"]
        return (state["status"], state["slaves"], state["sentinels"]) == ("ok", 2, 3)


def _client(port: int, password: str | None = None) -> redis.Redis:
    return redis.Redis(port=port, password=password, socket_timeout=5, retry=Retry(NoBackoff(), 0))


def _answers(port: int, password: str | None = None) -> bool:
    with suppress(redis.RedisError), closing(_client(port, password)) as client:
        return bool(client.ping())
    return False


@contextmanager
def guarded(folder: Path) -> Iterator[Sentinels]:
    """Give running servers and Sentinels, which end with the block."""
    made = Sentinels(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
