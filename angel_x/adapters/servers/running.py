"""Starting the servers that no URL was given for, and stopping them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from angel_x.adapters.children.guardian import Plan, ServerPlan
from angel_x.adapters.children.logs import begin_log, with_tail
from angel_x.adapters.home_files import named
from angel_x.adapters.servers.account import Account, stand_in
from angel_x.adapters.servers.binaries import find_postgres, find_valkey, within_reach
from angel_x.adapters.servers.claim import Claim
from angel_x.adapters.servers.given import given_database, given_redis
from angel_x.adapters.servers.places import Places, lay_out, open_home, remove, servers_root
from angel_x.adapters.servers.postgres import Postgres
from angel_x.adapters.servers.tether import Tether
from angel_x.adapters.servers.urls import RedisAddress, ServerUrls
from angel_x.adapters.servers.valkey import BROKER, CACHE, Valkey
from angel_x.errors import ServerUnavailable

#: Seconds that local servers get to start, crash recovery included.
START_PATIENCE = 60.0


class LocalServer(Protocol):
    @property
    def name(self) -> str: ...

    def plan(self) -> ServerPlan: ...

    def refusal(self) -> str | None:
        """Return the reason why the server is not ready, None if it is."""
        ...


class RunningServers:
    """The servers of one instance, until its process ends or this is stopped."""

    def __init__(self, urls: ServerUrls, stack: ExitStack, tether: Tether | None = None) -> None:
        self.urls = urls
        self._stack = stack
        self._tether = tether

    @property
    def are_guarded(self) -> bool:
        """Return whether the guardian lives, without which the started servers end."""
        return self._tether is None or self._tether.is_alive

    def pids(self) -> dict[str, int]:
        """Give the process ids of the guardian and of each server started here, by name."""
        return self._tether.pids() if self._tether else {}

    def hear(self) -> None:
        """Log the files that servers were started without since the last call."""
        if self._tether:
            self._tether.hear()

    def stop(self) -> None:
        """Stop the started servers and wait for their end; a second call does nothing."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_servers(
    home: Path, *, database_url: str | None, redis_url: str | None, durable: bool = True
) -> RunningServers:
    """Use the configured servers and start the others under ``home``.

    Without ``durable`` the database may lose its last commits when it is killed, and the message
    broker keeps nothing: for tests only.
    A second call for the same home is refused while the process of the first one lives.

    Raises:
        ServerUnavailable: A server does not start, or a file of the home cannot be used.
    """
    database = given_database(database_url) if database_url else None
    redis = given_redis(redis_url) if redis_url else None
    if database and redis:
        return RunningServers(_urls(database, *redis), ExitStack())

    account = stand_in(needed=database is None)
    with named(servers_root(home)):
        return _start(home, account, database, redis, durable=durable)


def _start(
    home: Path,
    account: Account | None,
    database: str | None,
    redis: tuple[RedisAddress, RedisAddress] | None,
    *,
    durable: bool,
) -> RunningServers:
    root = open_home(home, account)
    with ExitStack() as stack:
        claim = stack.enter_context(Claim(root))
        places = lay_out(root, account)
        servers: list[LocalServer] = []
        if redis is None:
            broker, cache = _valkeys(places, durable=durable)
            servers += [broker, cache]
            redis = broker.address, cache.address
        if database is None:
            postgres = _postgres(places, account, durable=durable)
            servers.append(postgres)
            database = postgres.url
        tether = _launch(servers, places, claim, stack)
        return RunningServers(_urls(database, *redis), stack.pop_all(), tether)


def erase(home: Path) -> None:
    """Remove all that the servers of a home have stored; refused while they run."""
    root = servers_root(home)
    if root.exists():
        with Claim(root):
            remove(root)


def _urls(database: str, broker: RedisAddress, cache: RedisAddress) -> ServerUrls:
    return ServerUrls(database, broker.kombu_url, broker.redis_url, cache.redis_url)


def _valkeys(places: Places, *, durable: bool) -> tuple[Valkey, Valkey]:
    program = find_valkey()
    return (
        Valkey(places, program, "broker", BROKER, durable),
        Valkey(places, program, "cache", CACHE, durable),
    )


def _postgres(places: Places, account: Account | None, *, durable: bool) -> Postgres:
    return Postgres(places, within_reach(find_postgres(), account), account, durable)


def _launch(
    servers: Sequence[LocalServer], places: Places, claim: Claim, stack: ExitStack
) -> Tether:
    """Start the servers; leaving ``stack`` stops them."""
    for name in ("guardian", *(server.name for server in servers)):
        begin_log(places.log(name))
    plan = Plan(
        parent=os.getpid(),
        lock=claim.servers_lock,
        state=str(places.root / "running.json"),
        discard=[str(directory) for directory in places.discard],
        servers=[server.plan() for server in servers],
    )
    tether = Tether(plan, places.log("guardian"))
    stack.callback(claim.await_servers)
    stack.callback(tether.cut)
    claim.hand_over()
    tether.send(plan)
    _await_all(servers, tether, places)
    tether.say_ready()
    return tether


def _await_all(servers: Sequence[LocalServer], tether: Tether, places: Places) -> None:
    deadline = time.monotonic() + START_PATIENCE
    for server in servers:
        while (refusal := server.refusal()) is not None:
            failure = tether.await_exit(0.01)
            if failure:
                reason = f"{failure['server']} did not start, it ended with {failure['code']}"
                raise ServerUnavailable(with_tail(reason, places.log(failure["server"])))
            if time.monotonic() > deadline:
                reason = f"{server.name} did not answer in {START_PATIENCE:g} s: {refusal}"
                raise ServerUnavailable(with_tail(reason, places.log(server.name)))
