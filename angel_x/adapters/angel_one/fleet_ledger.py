"""The budget of the fleet: one ledger for all processes, and a share of it where that is away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from angel_x.adapters.angel_one.budget import LocalLedger
from angel_x.domain.exchange.request_budget import RequestAsk

log = structlog.get_logger()


class SharedLedger(Protocol):
    """Counts the requests of all processes."""

    def take(self, ask: RequestAsk) -> tuple[float, str]:
        """Count a request and return 0 or the seconds to wait, and the name of the content."""

    def settle(self, ask: RequestAsk) -> None: ...

    def leave(self, ask: RequestAsk) -> None: ...

    def restore(self, ask: RequestAsk, ages: Mapping[str, float | None]) -> None:
        """Count requests that a process has sent, by their age; those that are counted stay."""


class FleetLedger:
    """Asks the shared ledger, and the local one once the shared one has been away for a while.

    The local one has a share of every limit.  Before it lets in anything, ``pause_seconds`` pass:
    what others were let in for has then been answered.  A process tells the shared ledger its own
    requests when that is back or has been emptied.
    """

    def __init__(
        self,
        shared: SharedLedger,
        local: LocalLedger,
        *,
        unreachable: tuple[type[Exception], ...],
        monotonic: Callable[[], float],
        pause_seconds: float,
        retry_seconds: float = 1.0,
    ) -> None:
        self._shared = shared
        self._local = local
        self._unreachable = unreachable
        self._monotonic = monotonic
        self._pause_seconds = pause_seconds
        #: Every attempt at a server that is away may cost its timeout.
        self._retry_seconds = retry_seconds
        self._retry_at = float("-inf")
        self._away_since: float | None = None
        #: The content of the shared ledger that has the requests of this process, by budget.
        self._known: dict[str, str] = {}

    def take(self, ask: RequestAsk) -> float:
        """Count a request and return 0, or the seconds after which to ask again."""
        if self._monotonic() >= self._retry_at:
            try:
                return self._take_shared(ask)
            except self._unreachable as error:
                self._lose(error)
        pause = self._pause_seconds - self._seconds_away()
        return pause if pause > 0 else self._local.take(ask)

    def settle(self, ask: RequestAsk) -> None:
        """Record that a request has been answered."""
        self._local.settle(ask)
        self._tell(self._shared.settle, ask)

    def leave(self, ask: RequestAsk) -> None:
        """Give up the place of a request that was not taken."""
        self._tell(self._shared.leave, ask)

    def _take_shared(self, ask: RequestAsk) -> float:
        if ask.budget not in self._known:
            self._shared.restore(ask, self._local.ages(ask.budget))
        wait, content = self._shared.take(ask)
        if self._known.get(ask.budget, content) != content:
            self._shared.restore(ask, self._local.ages(ask.budget))
        self._known[ask.budget] = content
        self._away_since = None
        if not wait:
            self._local.note(ask)
        return wait

    def _seconds_away(self) -> float:
        away_since = self._away_since
        return 0.0 if away_since is None else self._monotonic() - away_since

    def _tell(self, tell: Callable[[RequestAsk], None], ask: RequestAsk) -> None:
        if self._monotonic() < self._retry_at:
            return
        try:
            tell(ask)
        except self._unreachable as error:
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        now = self._monotonic()
        self._retry_at = now + self._retry_seconds
        # What is sent meanwhile is told when the server is back.
        self._known.clear()
        if self._away_since is None:
            self._away_since = now
            log.warning("request_budget.degraded", error=repr(error)[:200])
