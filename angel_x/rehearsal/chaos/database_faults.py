"""Faults of PostgreSQL, and of the connections to it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from random import Random
from typing import Any

import psycopg2

from angel_x.rehearsal.chaos.cut import Point
from angel_x.rehearsal.chaos.environment import Environment, Passage, Unverified
from angel_x.rehearsal.chaos.fault import Kind, Targets

#: Seconds in which the server must run again, recovery included.
_RESTART = 30.0
#: Seconds in which a transaction must be committed.
_TRAFFIC = 8.0
#: The reply to a commit: CommandComplete, its length, its tag.
_COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
#: A backend is known by its process id and its start, because ids are reused.
_BACKENDS = """
SELECT pid, backend_start FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


def _database(_: Environment) -> list[str]:
    return ["database"]


def _through(passage: Passage) -> Targets:
    return lambda environment: [passage] if passage in environment.passages else []


def terminate(environment: Environment, target: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """End every connection, also in the middle of a transaction."""
    before = _ask(environment, _BACKENDS)
    _ask(
        environment,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    )
    if not before or not environment.within(5, lambda: not before & _ask(environment, _BACKENDS)):
        raise Unverified(f"{len(before & _ask(environment, _BACKENDS))} connections are still open")
    return f"{len(before)} connections ended"


def stop(environment: Environment, target: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Stop the server at once; it recovers from its log."""
    pid, before = environment.server_pids()["postgres"], _started(environment)
    os.kill(pid, signal.SIGQUIT)
    if not environment.within(_RESTART, lambda: _started(environment) not in {None, before}):
        raise Unverified(f"process {pid} was stopped and none took its place")
    return f"process {pid} stopped at once, {environment.server_pids()['postgres']} recovered"


def crash(environment: Environment, target: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Kill one backend; the server ends all others, because shared memory may be damaged."""
    before = _ask(environment, _BACKENDS)
    if not before:
        raise Unverified("there is no connection")
    pid, _ = random.choice(sorted(before))
    os.kill(pid, signal.SIGKILL)

    def has_recovered() -> bool:
        with suppress(psycopg2.Error):
            return not before & _ask(environment, _BACKENDS)
        return False

    if not environment.within(_RESTART, has_recovered):
        raise Unverified(f"backend {pid} was killed and others went on")
    return f"backend {pid} killed, and {len(before) - 1} others ended with it"


def cut_commit(environment: Environment, target: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Cut a connection after its transaction is committed, before the reply."""
    proxy = environment.passages[Passage(target)]
    cut = proxy.arm(_COMMITTED, Point.REPLY)
    try:
        if not environment.within(_TRAFFIC, lambda: cut.is_done):
            raise Unverified("no transaction was committed")
    finally:
        proxy.disarm(cut)
    return "a transaction was committed without a reply"


def _ask(environment: Environment, statement: str) -> set[tuple[Any, ...]]:
    with environment.database() as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return set(cursor.fetchall())


def _started(environment: Environment) -> object:
    """Return when the server started; None while it does not answer."""
    with suppress(psycopg2.Error):
        ((started,),) = _ask(environment, "SELECT pg_postmaster_start_time()")
        return started
    return None


KINDS = (
    Kind("database connections ended", 2, _database, terminate),
    Kind("database stopped at once", 1, _database, stop),
    Kind("database backend killed", 1, _database, crash),
    Kind("API cut between commit and answer", 2, _through(Passage.API_TO_DATABASE), cut_commit),
    Kind(
        "worker cut between commit and answer", 2, _through(Passage.WORKERS_TO_DATABASE), cut_commit
    ),
)
