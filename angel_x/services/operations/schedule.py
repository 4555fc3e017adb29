"""The periodic schedule: last run, next run and lateness of each entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from angel_x.domain.operations.periodic_entry import PeriodicEntry
from angel_x.services.ports import Clock

#: The lateness from which the schedule counts as standing still.
LATE_SECONDS = 60.0


class Entries(Protocol):
    """Beat's store of entries."""

    def read(self) -> Sequence[PeriodicEntry]: ...
    def aside(self) -> Sequence[str]: ...
    def forget(self, name: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class DueEntry:
    """An entry with its lateness in seconds, which is infinite where the entry was lost."""

    name: str
    task: str | None
    last_run_at: datetime | None
    next_run_at: datetime | None
    late_seconds: float


class PeriodicSchedule:
    """Reads the schedule; Beat alone changes it."""

    def __init__(self, entries: Entries, clock: Clock) -> None:
        self._entries = entries
        self._clock = clock

    def turns(self) -> list[DueEntry]:
        """Return all entries, by name."""
        now = self._clock()
        return [
            DueEntry(e.name, e.task, e.last_run_at, e.next_run_at, round(e.late_seconds(now), 3))
            for e in self._entries.read()
        ]

    def lateness(self) -> Mapping[str, float]:
        """Return the lateness in seconds by entry; infinite for one that was lost."""
        return {turn.name: turn.late_seconds for turn in self.turns()}

    def late(self) -> list[DueEntry]:
        """Return the entries that are late, the latest first."""
        late = [turn for turn in self.turns() if turn.late_seconds > LATE_SECONDS]
        return sorted(late, key=lambda turn: -turn.late_seconds)

    def aside(self) -> list[str]:
        """Return the names of the entries that Beat could not decode."""
        return list(self._entries.aside())

    def forget(self, name: str) -> bool:
        """Delete an entry that was put aside; a second call returns false."""
        return self._entries.forget(name)
