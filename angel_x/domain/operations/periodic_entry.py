"""An entry of the periodic schedule, and its lateness."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

#: The period in seconds of an entry with a time of day.
DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicEntry:
    """One periodic task as Beat has stored it."""

    name: str
    #: None where the definition cannot be read.
    task: str | None
    last_run_at: datetime | None
    #: None where the entry is not in the schedule.
    next_run_at: datetime | None
    period_seconds: float = DAY

    def late_seconds(self, now: datetime) -> float:
        """Return the seconds by which the next run is overdue; infinite for an entry that was lost.

        A next run further ahead than a period is late too: a clock that was ahead has set it.
        """
        if self.next_run_at is None:
            return math.inf
        ahead = (self.next_run_at - now).total_seconds()
        return max(-ahead, ahead - self.period_seconds, 0.0)
