"""The faults of the fake exchange: each at random from a seed, or for the next requests of a name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """A fault of one request, or of one frame of a socket."""

    THROTTLE = "throttle"
    """The request is refused with 403 in plain text."""

    LOSE = "lose"
    """The connection is cut before the request is carried out."""

    FAIL = "fail"
    """The request is not carried out, and answered with 500."""

    EXPIRE = "expire"
    """The token of the request has expired (AG8002)."""

    REJECT = "reject"
    """An order is accepted, and rejected with a text in the order book."""

    PARTIAL = "partial"
    """An order trades one lot at a time."""

    DROP = "drop"
    """The request is carried out, and the connection cut before the answer."""

    MALFORMED = "malformed"
    """The request is carried out; its answer is half a document."""

    EMPTY = "empty"
    """The request is carried out; its answer is empty."""

    SLOW = "slow"
    """The request is carried out; its answer takes a while."""

    DUPLICATE = "duplicate"
    """An order update is sent twice."""

    REORDER = "reorder"
    """An order update is sent after the next one."""

    HANG_UP = "hang_up"
    """A socket is closed after an update."""


@dataclass(slots=True)
class Faults:
    """Decides which requests go wrong.

    Requests have the names of the last part of their path, such as ``placeOrder``; frames of the
    socket of order updates have the name ``update``.
    """

    seed: int = 1
    #: The part of all requests that each fault befalls, from 0 to 1.
    rates: dict[Fault, float] = field(default_factory=dict)
    #: Seconds of a slow answer.
    slow_seconds: float = 1.0
    #: Seconds that a token lives; None for the day.
    token_seconds: float | None = None
    #: Whether a login ends the sessions before it.
    sole_session: bool = False
    #: Subscriptions of one connection of the market data socket.
    subscriptions: int = 1000
    #: Every fault that has happened.
    happened: Counter[Fault] = field(default_factory=Counter)
    _planned: list[tuple[Fault, str]] = field(default_factory=list)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 - a rehearsal, to be repeated from its seed

    def plan(self, fault: Fault, name: str, times: int = 1) -> None:
        """Let a fault befall the next requests of a name."""
        self._planned += [(fault, name)] * times

    def befalls(self, fault: Fault, name: str) -> bool:
        """Return whether a fault befalls a request of this name now."""
        found = self._is_planned(fault, name) or self._is_drawn(fault)
        self.happened[fault] += found
        return found

    def _is_planned(self, fault: Fault, name: str) -> bool:
        if (fault, name) not in self._planned:
            return False
        self._planned.remove((fault, name))
        return True

    def _is_drawn(self, fault: Fault) -> bool:
        rate = self.rates.get(fault, 0.0)
        return rate > 0 and self._random.random() < rate
