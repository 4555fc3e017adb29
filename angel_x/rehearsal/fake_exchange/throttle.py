"""The rate limits of the fake exchange: strict rolling windows, counted at the arrival of a request."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

from angel_x.adapters.angel_one.calls import Rate
from angel_x.adapters.angel_one.limits import Limits


class Throttle:
    """Counts the requests of every client."""

    def __init__(self, monotonic: Callable[[], float], limits: Limits) -> None:
        self._monotonic = monotonic
        self.limits = limits
        self._arrivals: dict[tuple[str, Rate], deque[float]] = {}
        #: Requests that were let in, and requests over their limit.
        self.let_in: Counter[Rate] = Counter()
        self.over: Counter[Rate] = Counter()

    def lets_in(self, client_code: str, rate: Rate) -> bool:
        """Count a request and return whether it is within all windows."""
        now, windows = self._monotonic(), self.limits(rate)
        arrivals = self._arrivals.setdefault((client_code, rate), deque())
        if any(_within(arrivals, now - span) >= most for span, most in windows):
            self.over[rate] += 1
            return False
        longest = max((span for span, _ in windows), default=0.0)
        while arrivals and arrivals[0] <= now - longest:
            arrivals.popleft()
        arrivals.append(now)
        self.let_in[rate] += 1
        return True


def _within(arrivals: deque[float], since: float) -> int:
    """Return how many arrivals are later; they are in the order of time."""
    found = 0
    for at in reversed(arrivals):
        if at <= since:
            break
        found += 1
    return found
