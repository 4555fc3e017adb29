"""Starting the servers that no URL was given for, and stopping them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from angel_x.adapters.children.logs import USUAL_BOUNDS, LogBounds
from angel_x.adapters.home_files import named
from angel_x.adapters.servers.account import SystemUser, stand_in
from angel_x.adapters.servers.binaries import find_postgres, find_valkey, within_reach
from angel_x.adapters.servers.claim import HomeClaim
from angel_x.adapters.servers.given import given_database, given_redis
from angel_x.adapters.servers.guarded import GuardedServers, LocalServer
from angel_x.adapters.servers.places import Places, lay_out, open_home, remove, servers_root
from angel_x.adapters.servers.postgres import Postgres
from angel_x.adapters.servers.urls import RedisAddress, ServerUrls
from angel_x.adapters.servers.valkey import BROKER, CACHE, Valkey


class RunningServers:
    """The servers of one instance, until its process ends or this is stopped."""

    def __init__(
        self, urls: ServerUrls, stack: ExitStack, guarded: GuardedServers | None = None
    ) -> None:
        self.urls = urls
        self._stack = stack
        self._guarded = guarded

    @property
    def are_guarded(self) -> bool:
        """Return whether the guardian lives, without which the started servers end."""
        return self._guarded is None or self._guarded.are_guarded

    def pids(self) -> dict[str, int]:
        """Give the process ids of the guardian and of each server started here, by name."""
        return self._guarded.pids() if self._guarded else {}

    def hear(self) -> None:
        """Log the files that servers were started without since the last call."""
        if self._guarded:
            self._guarded.hear()

    def restart(self) -> None:
        """Start the servers anew whose guardian has died; nothing happens while it lives.

        Raises:
            ServerUnavailable: They did not start.
        """
        if self._guarded:
            self._guarded.relaunch()

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
    home: Path,
    *,
    database_url: str | None,
    redis_url: str | None,
    durable: bool = True,
    logs: LogBounds = USUAL_BOUNDS,
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
        return _start(home, account, database, redis, durable=durable, logs=logs)


def _start(
    home: Path,
    account: SystemUser | None,
    database: str | None,
    redis: tuple[RedisAddress, RedisAddress] | None,
    *,
    durable: bool,
    logs: LogBounds,
) -> RunningServers:
    root = open_home(home, account)
    with ExitStack() as stack:
        claim = stack.enter_context(HomeClaim(root))
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
        guarded = GuardedServers(servers, places, claim, logs)
        stack.callback(guarded.stop)
        guarded.launch()
        return RunningServers(_urls(database, *redis), stack.pop_all(), guarded)


def erase(home: Path) -> None:
    """Remove all that the servers of a home have stored; refused while they run."""
    root = servers_root(home)
    if root.exists():
        with HomeClaim(root):
            remove(root)


def _urls(database: str, broker: RedisAddress, cache: RedisAddress) -> ServerUrls:
    return ServerUrls(database, broker.kombu_url, broker.redis_url, cache.redis_url)


def _valkeys(places: Places, *, durable: bool) -> tuple[Valkey, Valkey]:
    program = find_valkey()
    return (
        Valkey(places, program, "broker", BROKER, durable),
        Valkey(places, program, "cache", CACHE, durable),
    )


def _postgres(places: Places, account: SystemUser | None, *, durable: bool) -> Postgres:
    return Postgres(places, within_reach(find_postgres(), account), account, durable)
