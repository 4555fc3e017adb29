"""One entry of the live event stream."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """An event of one account, or of all accounts for a ``user_id`` of zero."""

    #: The id of the entry, after which a client resumes.
    id: str
    user_id: int
    kind: str
    #: JSON.
    body: str
