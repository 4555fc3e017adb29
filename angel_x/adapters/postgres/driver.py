"""The driver's connection, which promises a commit only where the server promises it, and in time."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from time import monotonic

import psycopg2
from psycopg2.extensions import connection

#: Seconds between two looks of the watch.
_LOOK_SECONDS = 0.5


class Unreplicated(psycopg2.OperationalError):
    """A transaction is committed on this server, and no standby has confirmed it."""


class CommitWatch:
    """Breaks connections whose commit is not answered in time; one thread, while commits are waiting."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        #: When each waiting connection is given up, by its file descriptor.
        self._waiting: dict[int, float] = {}
        self._is_looking = False

    @contextmanager
    def watching(self, descriptor: int) -> Iterator[None]:
        """Break the connection if the block takes too long."""
        with self._lock:
            self._waiting[descriptor] = monotonic() + self._seconds
            if not self._is_looking:
                self._is_looking = True
                threading.Thread(target=self._look, name="commit-watch", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._waiting.pop(descriptor, None)

    def _look(self) -> None:
        pause = threading.Event()
        while self._is_looking:
            pause.wait(_LOOK_SECONDS)
            with self._lock:
                now = monotonic()
                for descriptor in [d for d, end in self._waiting.items() if end < now]:
                    del self._waiting[descriptor]
                    _hang_up(descriptor)
                self._is_looking = bool(self._waiting)


@lru_cache
def commit_watch(seconds: float) -> CommitWatch:
    """Return the watch of this process; a second call returns the same one."""
    return CommitWatch(seconds)


# A forked process has neither the thread nor the connections of a watch.
os.register_at_fork(after_in_child=commit_watch.cache_clear)


def _hang_up(descriptor: int) -> None:
    """End both directions of a connection; the thread that waits for an answer reads the end."""
    with suppress(OSError), closing(socket.socket(fileno=os.dup(descriptor))) as other:
        other.shutdown(socket.SHUT_RDWR)


class PromisingConnection(connection):
    """Treats a commit as unknown when no synchronous standby has confirmed it.

    PostgreSQL waits for its standby without a limit, and acknowledges a commit whose wait was canceled
    with a warning.  In both cases the standby may be the primary by now, without the transaction.
    """

    def __init__(self, dsn: str, *, commit_seconds: float) -> None:
        super().__init__(dsn)
        self._watch = commit_watch(commit_seconds)

    def commit(self) -> None:
        """Commit.

        Raises:
            Unreplicated: The server has given up waiting for its standby.
            OperationalError: There was no answer in time, or the connection broke.
        """
        del self.notices[:]
        with self._watch.watching(self.fileno()):
            super().commit()
        # A server has nothing else to say at the end of a transaction.
        if self.notices:
            raise Unreplicated(f"the transaction is not replicated: {self.notices[-1].strip()}")
