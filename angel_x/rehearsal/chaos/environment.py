"""The environment of a storm: the processes, servers and connections of one running system."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from threading import Event

import psycopg2
import redis
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in the clothes of a function
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.redis.connecting import connect
from angel_x.adapters.servers.urls import libpq_url
from angel_x.errors import AngelXError
from angel_x.rehearsal.chaos.proxy import Proxy
from angel_x.rehearsal.waiting import holds_within

#: The wait for an answer of a server in seconds.
_SOCKET_SECONDS = 5


class Unverified(AngelXError):
    """A fault could not be shown to have happened."""


class Role(StrEnum):
    """The role of a program."""

    API = "api"
    #: Decides orders of every lane.
    ORDER_WORKER = "order worker"
    #: Decides emergency orders and nothing else.
    EMERGENCY_WORKER = "emergency worker"
    RELAY = "relay"
    BEAT = "beat"


class Passage(StrEnum):
    """A connection through a proxy."""

    API_TO_DATABASE = "api to database"
    WORKERS_TO_DATABASE = "workers to database"
    #: Of the senders of messages: the API and the relays.
    SENDERS_TO_BROKER = "senders to broker"
    WORKERS_TO_BROKER = "workers to broker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One running system, with the means to break it."""

    #: The process ids of programs that run now, by name; each leads a group of its own.
    pids: Callable[[], Mapping[str, int]]
    #: The same of the servers.
    server_pids: Callable[[], Mapping[str, int]]
    #: The names of the programs by role; a role without a program gets no fault.
    roles: Mapping[Role, tuple[str, ...]]
    passages: Mapping[Passage, Proxy]
    #: The message broker and the database without a proxy.
    broker_url: str
    database_url: str
    #: The cache; empty where it is not broken.
    cache_url: str = ""
    #: Where the message broker keeps its append-only file.
    broker_folder: Path
    #: Queues of orders whose messages are removed by the storm, each as often as listed.
    queues: tuple[str, ...]
    #: The folder of the programs' logs, ``<name>.log`` each.
    logs: Path
    #: Returns whether the API answers.
    api_answers: Callable[[], bool]
    #: Seconds that a stopped worker is stopped for at least: longer than any lease.
    lease_seconds: float
    #: Returns the seconds that are as long on this machine as some on two idle cores.
    patience: Callable[[float], float]
    stop: Event = field(default_factory=Event)

    @property
    def home(self) -> Path:
        """The directory of all files of the system."""
        return self.logs.parent

    def pid(self, name: str) -> int:
        """Return the process id of a program.

        Raises:
            Unverified: It does not run.
        """
        if not self.within(10, lambda: name in self.pids()):
            raise Unverified(f"{name} does not run")
        return self.pids()[name]

    def within(self, seconds: float, holds: Callable[[], bool]) -> bool:
        """Return whether a condition becomes true in time and before the run is stopped.

        ``seconds`` are those of two idle cores.
        """
        return holds_within(self.patience(seconds), holds, self.stop)

    def pause(self, seconds: float) -> None:
        """Do nothing for a while."""
        self.stop.wait(seconds)

    @contextmanager
    def broker(self) -> Iterator[redis.Redis]:
        """Give a connection to the message broker."""
        client = connect(
            self.broker_url, socket_timeout=_SOCKET_SECONDS, retry=Retry(NoBackoff(), 0)
        )
        with closing(client):
            yield client

    @contextmanager
    def database(self) -> Iterator[Connection]:
        """Give a connection to the database."""
        with closing(psycopg2.connect(libpq_url(self.database_url), connect_timeout=5)) as made:
            made.autocommit = True
            yield made
