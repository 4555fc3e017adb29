"""Permits to send requests: every request waits for its turn in the budget of its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Protocol

from angel_x.domain.exchange.request_budget import RequestAsk, Windows
from angel_x.errors import BudgetSpent

#: The shortest and the longest pause before a request asks again for its turn, in seconds.
_SHORTEST, _LONGEST = 0.002, 0.25


def see_nothing() -> None:
    """See nothing for which a request would be given up."""


class Ledger(Protocol):
    """Counts requests within sliding windows."""

    def take(self, ask: RequestAsk) -> float:
        """Count a request and return 0, or the seconds after which to ask again.

        An ask that has to wait keeps its place until it is taken, left, or silent for too long.
        """

    def settle(self, ask: RequestAsk) -> None:
        """Record that a request has been answered."""

    def leave(self, ask: RequestAsk) -> None:
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

    def deadline(self, patience: float) -> float:
        """Return the moment that is so many seconds away, for permits."""
        return self._monotonic() + patience

    def check(self, until: float) -> None:
        """Do nothing before a moment of the monotonic clock.

        Raises:
            BudgetSpent: The moment has passed.
        """
        if self._monotonic() > until:
            raise BudgetSpent("the time of a request is over")

    @contextmanager
    def permit(
        self, ask: RequestAsk, *, until: float, look: Callable[[], None] = see_nothing
    ) -> Iterator[None]:
        """Hold a permit for one request, which begins before a moment of the monotonic clock.

        ``look`` is called at each turn of the wait; the request is given up where it raises.

        Raises:
            BudgetSpent: There was no room in time; nothing may be sent.
        """
        self._wait(ask, until, look)
        try:
            yield
        finally:
            self._ledger.settle(ask)

    def _wait(self, ask: RequestAsk, until: float, look: Callable[[], None]) -> None:
        # A permit would be of no use, and count.
        self.check(until)
        while wait := self._ledger.take(ask):
            left = until - self._monotonic()
            if left <= 0:
                self._ledger.leave(ask)
                raise BudgetSpent(f"the budget of requests is spent: {ask.budget}", seconds=wait)
            try:
                look()
            except Exception:
                self._ledger.leave(ask)
                raise
            self._sleep(min(max(wait, _SHORTEST), _LONGEST, left))
        if self._monotonic() > until:
            self._ledger.settle(ask)
            raise BudgetSpent(f"the permit of a request came too late: {ask.budget}")


class LocalLedger:
    """The requests of one process, first come, first served."""

    def __init__(
        self, monotonic: Callable[[], float], *, share: Callable[[Windows], Windows] = tuple
    ) -> None:
        self._monotonic = monotonic
        self._share = share
        self._lock = Lock()
        #: When each request was answered, by budget and id; None while it runs.
        self._sent: dict[str, dict[str, float | None]] = {}

    def take(self, ask: RequestAsk) -> float:
        """Count a request and return 0, or the seconds after which to ask again."""
        with self._lock:
            windows = self._share(ask.windows)
            wait = max((self._wait(ask.budget, *window) for window in windows), default=0.0)
            if not wait:
                self._note(ask)
            return wait

    def note(self, ask: RequestAsk) -> None:
        """Count a request that was let in by another ledger."""
        with self._lock:
            self._note(ask)

    def settle(self, ask: RequestAsk) -> None:
        """Record that a request has been answered."""
        with self._lock:
            self._sent.setdefault(ask.budget, {})[ask.id] = self._monotonic()

    def leave(self, ask: RequestAsk) -> None:
        """Do nothing: no place is kept."""

    def ages(self, budget: str) -> dict[str, float | None]:
        """Return the seconds since the answer to each request that counts; None while it runs."""
        with self._lock:
            now = self._monotonic()
            sent = self._sent.get(budget, {})
            return {name: None if at is None else now - at for name, at in sent.items()}

    def _note(self, ask: RequestAsk) -> None:
        longest = max((span for span, _ in self._share(ask.windows)), default=0.0)
        since = self._monotonic() - longest
        sent = self._sent.get(ask.budget, {})
        kept = {name: at for name, at in sent.items() if at is None or at > since}
        self._sent[ask.budget] = {**kept, ask.id: None}

    def _wait(self, budget: str, span: float, most: int) -> float:
        since = self._monotonic() - span
        sent = self._sent.get(budget, {}).values()
        answered = sorted(at for at in sent if at is not None and at > since)
        excess = sum(at is None for at in sent) + len(answered) + 1 - most
        if excess <= 0:
            return 0.0
        # When a running request frees its place is not known.
        return answered[excess - 1] - since if excess <= len(answered) else _LONGEST
