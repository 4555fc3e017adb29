"""One entry of the live events, and a page of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: The ``user_id`` of events for all accounts.
EVERYBODY = 0
#: Kinds of which only the newest event of an account counts.  They have no history.
STATES = frozenset({"portfolio"})
#: The id before every event: a reader after it gets all that is held.
BEGINNING = "0-0"


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """An event of one account, or of all accounts for a ``user_id`` of zero."""

    #: The id of the entry, after which a client resumes; ids grow over all accounts.
    id: str
    user_id: int
    kind: str
    #: JSON.
    body: str

    @property
    def is_state(self) -> bool:
        return self.kind in STATES


@dataclass(frozen=True, slots=True)
class EventPage:
    """The events after an id, oldest first."""

    #: Whether no event between the id and the page is missing.
    is_complete: bool
    events: Sequence[LiveEvent]


def number_of(event_id: str) -> tuple[int, int]:
    """Return the two numbers of an id, by which ids are ordered."""
    time, _, sequence = event_id.partition("-")
    return int(time), int(sequence or 0)


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of the live stream of an account."""

    #: The ``after`` of a stream that resumes behind this event.
    id: str
    kind: str
    body: dict[str, object]
