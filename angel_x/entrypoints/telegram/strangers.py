"""Ids of people who are not listed, for the log: each once, and few in a minute."""

from __future__ import annotations

from collections.abc import Callable

import structlog

log = structlog.get_logger()

_REMEMBERED = 1_000
#: Seconds between two lines.
_PAUSE_SECONDS = 6.0


class Strangers:
    """Remembers the ids that were logged, up to a thousand."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._known: set[int] = set()
        self._next_at = float("-inf")
        self._unlogged = 0

    def note(self, person_id: int) -> None:
        """Log an id; a second call with it, or within the pause, writes no line."""
        if person_id in self._known:
            return
        if self._timer() < self._next_at or len(self._known) >= _REMEMBERED:
            self._unlogged += 1
            return
        self._known.add(person_id)
        self._next_at = self._timer() + _PAUSE_SECONDS
        log.warning("telegram.ignored", person_id=person_id, unlogged=self._unlogged)
        self._unlogged = 0
