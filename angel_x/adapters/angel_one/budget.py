"""Permits to send requests: every request waits for its turn in the budget of its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Protocol

from angel_x.domain.exchange.request_budget import Ask, Windows
from angel_x.errors import BudgetSpent

#: The shortest and the longest pause before a request asks again for its turn, in seconds.
_SHORTEST, _LONGEST = 0.002, 0.25


class Ledger(Protocol):
    """Counts requests within sliding windows."""

    def take(self, ask: Ask) -> float:
        """Count a request and return 0, or the seconds after which to ask again.

        An ask that has to wait keeps its place until it is taken, left, or silent for too long.
        """

    def settle(self, ask: Ask) -> None:
        """Record that a request has been answered."""

    def leave(self, ask: Ask) -> None:
        """Give up the place of a request that was not taken."""


class Budget:
    """Permits from one ledger."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        sleep: Callable[[float], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._sleep = sleep
        self._monotonic = monotonic

    @contextmanager
    def permit(self, ask: Ask, *, patience: float) -> Iterator[None]:
        """Hold a permit for one request, after a wait of ``patience`` seconds at most.

        Raises:
            BudgetSpent: There was no room; nothing may be sent.
        """
        self._wait(ask, self._monotonic() + patience)
        try:
            yield
        finally:
            self._ledger.settle(ask)

    def _wait(self, ask: Ask, until: float) -> None:
        while wait := self._ledger.take(ask):
            left = until - self._monotonic()
            if left <= 0:
                self._ledger.leave(ask)
                raise BudgetSpent(f"the budget of requests is spent: {ask.budget}")
            self._sleep(min(max(wait, _SHORTEST), _LONGEST, left))


class LocalLedger:
    """The requests of one process, first come, first served."""

    def __init__(
        self, monotonic: Callable[[], float], *, share: Callable[[Windows], Windows] = tuple
    ) -> None:
        self._monotonic = monotonic
        self._share = share
        self._lock = Lock()
        self._running: dict[str, set[str]] = {}
        self._settled: dict[str, list[float]] = {}

    def take(self, ask: Ask) -> float:
        """Count a request and return 0, or the seconds after which to ask again."""
        with self._lock:
            wait = max(
                (self._wait(ask.budget, *window) for window in self._share(ask.windows)), default=0
            )
            if not wait:
                self.note(ask)
            return wait

    def note(self, ask: Ask) -> None:
        """Count a request that was let in by another ledger."""
        self._running.setdefault(ask.budget, set()).add(ask.id)

    def settle(self, ask: Ask) -> None:
        """Record that a request has been answered."""
        with self._lock:
            now = self._monotonic()
            self._running.get(ask.budget, set()).discard(ask.id)
            longest = max((span for span, _ in self._share(ask.windows)), default=0.0)
            kept = [at for at in self._settled.get(ask.budget, ()) if at > now - longest]
            self._settled[ask.budget] = [*kept, now]

    def leave(self, ask: Ask) -> None:
        """Do nothing: no place is kept."""

    def _wait(self, budget: str, span: float, most: int) -> float:
        since = self._monotonic() - span
        running = len(self._running.get(budget, ()))
        counted = [at for at in self._settled.get(budget, ()) if at > since]
        excess = running + len(counted) + 1 - most
        if excess <= 0:
            return 0.0
        # An answer that is on its way frees its place at a moment that nobody knows.
        return counted[excess - 1] - since if excess <= len(counted) else _LONGEST
