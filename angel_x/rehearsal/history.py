"""What the clients did and were told, one line each, in files that only ever grow.

A line is on its way to the disk before the request that it tells of is sent, and again before its
answer is believed, so that nothing a client knows is only in its memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from threading import Lock
from time import monotonic
from types import TracebackType
from typing import Self

import msgspec


class Outcome(StrEnum):
    """What an answer says of the orders of a request."""

    ACCEPTED = "accepted"
    #: Nothing of it is stored, and never will be.
    REFUSED = "refused"
    #: Nothing of it is stored now; it may be sent again.
    BUSY = "busy"
    #: No answer, or one that leaves it open.
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        return self in {Outcome.ACCEPTED, Outcome.REFUSED}


class Content(msgspec.Struct, frozen=True):
    """What was asked for under one client order id."""

    symbol: str
    side: str
    quantity: int


class Sent(msgspec.Struct, frozen=True, tag="sent", omit_defaults=True):
    """A request, before it goes out."""

    at: float
    user: str
    #: Counts the calls of this client; repeats of a call have its number.
    call: int
    door: str
    #: By client order id.
    orders: Mapping[str, Content]


class Answered(msgspec.Struct, frozen=True, tag="answered", omit_defaults=True):
    """What came back for a request."""

    at: float
    user: str
    call: int
    outcome: Outcome
    seconds: float
    #: By client order id, where they were accepted.
    order_ids: Mapping[str, str] = {}
    detail: str = ""


class Canceled(msgspec.Struct, frozen=True, tag="canceled", omit_defaults=True):
    """What came back for the wish to cancel an order."""

    at: float
    user: str
    order_id: str
    #: Accepted: it is canceled.  Refused: it had been closed before.
    outcome: Outcome
    seconds: float
    detail: str = ""


class Unseen(msgspec.Struct, frozen=True, tag="unseen"):
    """Orders that were answered with success and could not be seen in the database at that moment."""

    at: float
    user: str
    order_ids: tuple[str, ...]


Entry = Sent | Answered | Canceled | Unseen


class History:
    """One client's file.  Threads may share it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._encoder = msgspec.json.Encoder()
        self._lock = Lock()

    def add(self, entry: Entry) -> None:
        """Append one line."""
        line = self._encoder.encode(entry) + b"\n"
        with self._lock:
            self._file.write(line)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read(folder: Path) -> Iterator[Entry]:
    """Yield every entry of every client, each client's in the order in which they were made."""
    decoder = msgspec.json.Decoder(Entry)
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                yield decoder.decode(line)


def now() -> float:
    """Return the seconds that stand in every entry; all clients are threads of one process."""
    return round(monotonic(), 4)
