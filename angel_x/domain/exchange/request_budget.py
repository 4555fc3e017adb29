"""The budget of requests to a venue: the most within several sliding windows at once.

A request is counted from the moment at which it may be sent until each window has passed since its
answer: the venue counts it at some moment in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import uuid4

_SECOND, _MINUTE, _HOUR = 1.0, 60.0, 3600.0

#: Pairs of a span in seconds and the most requests within any such span.
Windows = tuple[tuple[float, int], ...]


def windows_of(second: int, minute: int = 0, hour: int = 0) -> Windows:
    """Return the windows of limits by second, minute and hour; zero stands for no limit."""
    pairs = ((_SECOND, second), (_MINUTE, minute), (_HOUR, hour))
    return tuple((span, most) for span, most in pairs if most)


def share_of(windows: Windows, processes: int) -> Windows:
    """Return windows that so many processes can have each without a word between them.

    A limit with less than one request for each process becomes one request in a longer span.
    """
    return tuple(
        (span, most // processes) if most >= processes else (span * processes / most, 1)
        for span, most in windows
    )


def _new_id() -> str:
    return uuid4().hex


@dataclass(frozen=True, slots=True)
class RequestAsk:
    """One request that wants to be sent."""

    #: Requests with the same name of their budget are counted together.
    budget: str
    windows: Windows
    #: The account for which it is sent; those that wait take turns.  Zero for the system.
    user_id: int = 0
    #: Whether it goes before all that are not.
    is_urgent: bool = False
    id: str = field(default_factory=_new_id)
