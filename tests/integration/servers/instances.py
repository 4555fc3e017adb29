"""What these tests do to instances: start them in other processes, look at them, and kill them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import redis

from angel_x.adapters.servers import RunningServers, ServerUrls
from angel_x.adapters.servers.account import UNPRIVILEGED
from angel_x.adapters.servers.urls import libpq_url
from angel_x.adapters.servers.valkey import redis_refusal

REPOSITORY = Path(__file__).parents[3]
DEADLINE = 120.0

#: An ordinary user may read his own clone, which here may lie in a folder of root only.
CAPABILITY = "+dac_read_search"
AS_ORDINARY_USER = (
    *("setpriv", f"--reuid={UNPRIVILEGED}", "--regid=65534", "--clear-groups"),
    *(f"--inh-caps={CAPABILITY}", f"--ambient-caps={CAPABILITY}", "--"),
)


class Instance:
    """Servers whose owner is another process, which tests may kill."""

    def __init__(self, home: Path, prefix: Sequence[str] = ()) -> None:
        self.owner = subprocess.Popen(
            [*prefix, sys.executable, "-m", "tests.integration.servers.parent", str(home)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.pids: dict[str, int] = {}
        self.processes: list[psutil.Process] = []

    @property
    def uid(self) -> int:
        return psutil.Process(self.owner.pid).uids().effective

    @cached_property
    def urls(self) -> ServerUrls:
        return ServerUrls(**self._told["urls"])

    def await_start(self) -> None:
        self.pids = self._told["pids"]
        self.processes = processes(self.pids.values())

    def await_initialization(self) -> None:
        """Wait until the database is being made."""
        owner = psutil.Process(self.owner.pid)
        eventually(lambda: any(p.name() == "initdb" for p in owner.children(recursive=True)))
        self.processes = owner.children(recursive=True)

    @cached_property
    def _told(self) -> dict[str, dict[str, Any]]:
        assert self.owner.stdout is not None
        line = self.owner.stdout.readline()
        if not line:
            _, errors = self.owner.communicate()
            raise AssertionError(errors)
        told: dict[str, dict[str, Any]] = json.loads(line)
        return told

    def tell(self, word: str) -> str:
        """Give the owner its last order and return what it printed on its way out."""
        _, errors = self.owner.communicate(f"{word}\n", timeout=DEADLINE)
        return errors


@contextmanager
def instance(home: Path, prefix: Sequence[str] = ()) -> Iterator[Instance]:
    """Start an instance and see to it that nothing of it is left."""
    with starting(home, prefix) as started:
        started.await_start()
        yield started


@contextmanager
def starting(home: Path, prefix: Sequence[str] = ()) -> Iterator[Instance]:
    """The same, without waiting for the servers."""
    started = Instance(home, prefix)
    try:
        yield started
    finally:
        started.owner.kill()
        started.owner.communicate(timeout=DEADLINE)
        assert survivors(started.processes) == []


def processes(pids: Iterable[int]) -> list[psutil.Process]:
    """Find the processes and everything below them."""
    roots = [psutil.Process(pid) for pid in pids]
    below = [child for root in roots for child in root.children(recursive=True)]
    return list(dict.fromkeys([*roots, *below]))


def survivors(watched: list[psutil.Process]) -> list[psutil.Process]:
    """Wait for the processes to end and return those that did not."""
    deadline = time.monotonic() + DEADLINE
    while (alive := [p for p in watched if runs(p)]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return alive


def runs(process: psutil.Process) -> bool:
    """Say whether the process still does anything; one that nobody has buried does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill_everything(running: RunningServers) -> None:
    """Kill the servers and their guardian so that none of them can tidy up."""
    pids = running.pids()
    everything = processes(pids.values())
    # A stopped guardian neither restarts the servers nor has the kernel ask them to end.
    os.kill(pids["guardian"], signal.SIGSTOP)
    for process in everything:
        # Killing one of PostgreSQL's processes may end the others.
        with suppress(psutil.NoSuchProcess):
            if process.pid != pids["guardian"]:
                process.kill()
    os.kill(pids["guardian"], signal.SIGKILL)
    running.stop()
    assert survivors(everything) == []


def query(database_url: str, statement: str) -> list[tuple[object, ...]]:
    with (
        closing(psycopg2.connect(libpq_url(database_url))) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def connected(url: str) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(url, decode_responses=True)) as client:
        yield client


def answers(urls: ServerUrls) -> bool:
    """Say whether all three servers can be used at this moment."""
    if redis_refusal(urls.broker_redis_url) or redis_refusal(urls.cache_url):
        return False
    try:
        return query(urls.database_url, "SELECT 1") == [(1,)]
    except psycopg2.OperationalError:
        return False


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"not so within {DEADLINE:g} s"
        time.sleep(0.01)


def ordinary_user() -> tuple[str, ...]:
    """Say how to start a command as an ordinary user; who is one already needs nothing."""
    if os.geteuid() != 0:
        return ()
    assert shutil.which("setpriv"), "setpriv (util-linux) is needed to drop root's rights"
    return AS_ORDINARY_USER
