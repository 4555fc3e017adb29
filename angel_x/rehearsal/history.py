"""The requests of the clients and their answers, one line each, in files that only grow.

A line is written before the request is sent, and another one before its answer is used, so that the
history contains all requests and answers of a client.
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
    """The outcome of the orders of a request."""

    ACCEPTED = "accepted"
    #: Nothing of it is stored, and never will be.
    REFUSED = "refused"
    #: Nothing of it is stored now; it may be sent again.
    BUSY = "busy"
    #: No answer, or one without a known outcome.
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        return self in {Outcome.ACCEPTED, Outcome.REFUSED}


class OrderContent(msgspec.Struct, frozen=True):
    """The content of one order."""

    symbol: str
    side: str
    quantity: int


class Sent(msgspec.Struct, frozen=True, tag="sent", omit_defaults=True):
    """A request, before it goes out."""

    at: float
    user: str
    #: Number of the request of this client; a repeated request has the same number.
    call: int
    client: str
    #: By client order id.
    orders: Mapping[str, OrderContent]


class Answered(msgspec.Struct, frozen=True, tag="answered", omit_defaults=True):
    """The answer to a request."""

    at: float
    user: str
    call: int
    outcome: Outcome
    seconds: float
    #: By client order id, where they were accepted.
    order_ids: Mapping[str, str] = {}
    detail: str = ""


class Canceled(msgspec.Struct, frozen=True, tag="canceled", omit_defaults=True):
    """The answer to a cancellation."""

    at: float
    user: str
    order_id: str
    #: Accepted: it is canceled.  Refused: it had been closed before.
    outcome: Outcome
    seconds: float
    detail: str = ""


class Unseen(msgspec.Struct, frozen=True, tag="unseen"):
    """Orders that were accepted and that the database did not show at that moment."""

    at: float
    user: str
    order_ids: tuple[str, ...]


Entry = Sent | Answered | Canceled | Unseen


class ClientHistory:
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
    """Return the time for an entry in seconds; all clients are threads of one process."""
    return round(monotonic(), 4)
