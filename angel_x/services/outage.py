"""Backoff while a server is unavailable, with one log line at its begin and end."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

log = structlog.get_logger()

_FIRST_WAIT = timedelta(milliseconds=100)
_LONGEST_WAIT = timedelta(seconds=5)


class Outage:
    """Waits twice as long after each failure, up to five seconds."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._since: datetime | None = None
        self._wait = _FIRST_WAIT
        self._failed_at: datetime | None = None

    def holds_back(self, now: datetime) -> bool:
        """Return whether it is too early for another attempt."""
        return self._failed_at is not None and now - self._failed_at < self._wait

    def record_failure(self, now: datetime, error: Exception) -> None:
        if self._since is None:
            self._since = now
            log.warning("outage.begun", subject=self._subject, error=str(error))
        else:
            self._wait = min(self._wait * 2, _LONGEST_WAIT)
        self._failed_at = now

    def record_success(self, now: datetime) -> None:
        if self._since is not None:
            seconds = (now - self._since).total_seconds()
            log.info("outage.ended", subject=self._subject, seconds=round(seconds, 1))
        self._since = self._failed_at = None
        self._wait = _FIRST_WAIT
