"""Faults of PostgreSQL, and of the connections to it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from random import Random
from typing import Any

import psycopg2

from angel_x.rehearsal.chaos.environment import Ground, Passage, Unverified
from angel_x.rehearsal.chaos.fault import Kind, Targets
from angel_x.rehearsal.chaos.proxy import Point

#: Seconds in which the server must be back, recovery included.
_REBIRTH = 30.0
#: Seconds in which somebody must commit.
_TRAFFIC = 8.0
#: What the server says to whoever committed: CommandComplete, its length, its tag.
_COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
#: A backend is one by its process id and its start: ids come again.
_BACKENDS = """
SELECT pid, backend_start FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


def _database(_: Ground) -> list[str]:
    return ["database"]


def _through(passage: Passage) -> Targets:
    return lambda ground: [passage] if passage in ground.passages else []


def terminate(ground: Ground, target: str, random: Random) -> str:  # noqa: ARG001 - a Strike
    """End every connection, whatever it is doing."""
    before = _ask(ground, _BACKENDS)
    _ask(
        ground,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    )
    if not before or not ground.within(5, lambda: not before & _ask(ground, _BACKENDS)):
        raise Unverified(f"{len(before & _ask(ground, _BACKENDS))} connections are still open")
    return f"{len(before)} connections ended"


def stop(ground: Ground, target: str, random: Random) -> str:  # noqa: ARG001 - a Strike
    """Stop the server at once, without a word to anybody; it recovers from its log."""
    pid, before = ground.server_pids()["postgres"], _started(ground)
    os.kill(pid, signal.SIGQUIT)
    if not ground.within(_REBIRTH, lambda: _started(ground) not in {None, before}):
        raise Unverified(f"process {pid} was stopped and none took its place")
    return f"process {pid} stopped at once, {ground.server_pids()['postgres']} recovered"


def crash(ground: Ground, target: str, random: Random) -> str:  # noqa: ARG001 - a Strike
    """Kill one backend: the server ends all others, whose memory it may have spoiled."""
    before = _ask(ground, _BACKENDS)
    if not before:
        raise Unverified("nobody is connected")
    pid, _ = random.choice(sorted(before))
    os.kill(pid, signal.SIGKILL)

    def has_recovered() -> bool:
        with suppress(psycopg2.Error):
            return not before & _ask(ground, _BACKENDS)
        return False

    if not ground.within(_REBIRTH, has_recovered):
        raise Unverified(f"backend {pid} was killed and others went on")
    return f"backend {pid} killed, and {len(before) - 1} others ended with it"


def cut_commit(ground: Ground, target: str, random: Random) -> str:  # noqa: ARG001 - a Strike
    """Cut a connection when its transaction is committed, before it is told so."""
    proxy = ground.passages[Passage(target)]
    cut = proxy.arm(_COMMITTED, Point.REPLY)
    try:
        if not ground.within(_TRAFFIC, lambda: cut.has_struck):
            raise Unverified("nobody committed")
    finally:
        proxy.disarm(cut)
    return "a transaction was committed and its owner not told"


def _ask(ground: Ground, statement: str) -> set[tuple[Any, ...]]:
    with ground.database() as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return set(cursor.fetchall())


def _started(ground: Ground) -> object:
    """Return when the server started; None while it does not answer."""
    with suppress(psycopg2.Error):
        ((started,),) = _ask(ground, "SELECT pg_postmaster_start_time()")
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
