"""A thread that does work in the order in which it was handed over."""

from __future__ import annotations

from collections.abc import Callable
from queue import Full, Queue
from threading import Lock, Thread


class WorkThread:
    """Starts with the first work and lives as long as its process; work must not raise.

    A process that is killed loses what waits.
    """

    def __init__(self, name: str, *, most: int) -> None:
        self._name = name
        self._waiting: Queue[Callable[[], None] | None] = Queue(most)
        self._lock = Lock()
        self._thread: Thread | None = None

    def put(self, work: Callable[[], None]) -> bool:
        """Hand work over without waiting; return False where ``most`` wait already."""
        try:
            self._waiting.put_nowait(work)
        except Full:
            return False
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        return True

    def close(self, seconds: float) -> None:
        """Wait for the end of all work, for some seconds at most; no more is handed over afterwards."""
        if self._thread is not None:
            try:
                self._waiting.put(None, timeout=seconds)
            except Full:
                return
            self._thread.join(seconds)

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            work()
