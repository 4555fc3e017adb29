"""Reads of the broker's books that serve every process of the fleet which waits for one.

The broker permits one read of each book a second, and every process that queries the state of its orders
needs one.  A read answers all that were asked for before it began.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")


class Shelf(Protocol):
    """Numbers the reads of each name in the order in which they begin, and keeps the newest answer."""

    def begun(self, name: str) -> int:
        """Return the number of the read that began last."""

    def begin(self, name: str) -> int:
        """Return the number of a read that begins now."""

    def put(self, name: str, number: int, answer: bytes) -> None:
        """Keep the answer of a read, unless a newer one is there."""

    def newer(self, name: str, number: int) -> bytes | None:
        """Return the answer of a read with a higher number; None where there is none."""


class ReadElsewhere(Exception):
    """A read has been answered by another process."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(f"{len(answer)} bytes")
        self.answer = answer


class SharedReads:
    """Opens shared reads; while the shelf is away, every process reads for itself."""

    def __init__(self, shelf: Shelf, *, unreachable: tuple[type[Exception], ...]) -> None:
        self._shelf = shelf
        self._unreachable = unreachable

    def ask(self, name: str) -> SharedRead:
        """Return a read that is asked for now."""
        return SharedRead(self, name, self.tried(lambda shelf: shelf.begun(name)))

    def tried(self, use: Callable[[Shelf], T]) -> T | None:
        """Return a result of the shelf; None while that is away."""
        try:
            return use(self._shelf)
        except self._unreachable as error:
            log.warning("shared_reads.away", error=repr(error)[:200])
            return None


class SharedRead:
    """One read that is waited for, to be made by this process or by another one."""

    def __init__(self, reads: SharedReads, name: str, asked: int | None) -> None:
        self._reads = reads
        self._name = name
        #: The last read that began before this one was asked for.
        self._asked = asked
        self._number: int | None = None

    def look(self) -> None:
        """Raise the answer of a read that has begun since.

        Raises:
            ReadElsewhere: With the answer.
        """
        asked = self._asked
        if asked is None:
            return
        answer = self._reads.tried(lambda shelf: shelf.newer(self._name, asked))
        if answer is not None:
            raise ReadElsewhere(answer)

    def begin(self) -> None:
        """Note that this process makes the read now."""
        self._number = self._reads.tried(lambda shelf: shelf.begin(self._name))

    def give(self, answer: bytes) -> None:
        """Let others have the answer."""
        number = self._number
        if number is not None:
            self._reads.tried(lambda shelf: shelf.put(self._name, number, answer))
