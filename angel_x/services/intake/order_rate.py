"""Limits on orders a second: one counter for all processes, or a local one while it is unavailable."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock

import structlog

from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order_rate import WINDOW_SECONDS, Ask, Windows
from angel_x.services.ports import Meter

log = structlog.get_logger()


#: Lets in the asks that fit into sliding windows, in the order given, and returns for each 0, or the
#: seconds to wait.  An ask that does not fit into one of its windows is counted by none.
GrantRate = Callable[[Sequence[Ask], Windows], list[float]]


class LocalOrderRate:
    """The window of one process."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._grants: dict[str, deque[tuple[float, int]]] = {}

    def grant(self, asks: Sequence[Ask], windows: Windows) -> list[float]:
        """Let in the asks that fit, in the order given; return seconds to wait."""
        with self._lock:
            now = self._monotonic()
            self._forget(now - WINDOW_SECONDS)
            return [self._grant(ask, windows, now) for ask in asks]

    def _forget(self, before: float) -> None:
        for name, grants in list(self._grants.items()):
            while grants and grants[0][0] <= before:
                grants.popleft()
            if not grants:
                del self._grants[name]

    def _grant(self, ask: Ask, windows: Windows, now: float) -> float:
        wait = max(
            (self._wait(name, ask.orders, windows[name], now) for name in ask.windows), default=0
        )
        if not wait:
            for name in ask.windows:
                self._grants.setdefault(name, deque()).append((now, ask.orders))
        return wait

    def _wait(self, name: str, orders: int, most: int, now: float) -> float:
        grants = self._grants.get(name, ())
        excess = sum(granted for _, granted in grants) + orders - most
        if excess <= 0:
            return 0.0
        for at, granted in grants:
            excess -= granted
            if excess <= 0:
                return max(at + WINDOW_SECONDS - now, 0.001)
        return WINDOW_SECONDS


class SharedOrderRate:
    """The shared window, and the local one while the server that holds it is away.

    Orders are never turned away because a counter cannot be reached.  Each process then holds the
    whole limit by itself, so together they let in at most as many times as much as there are
    processes.
    """

    def __init__(
        self,
        shared: GrantRate,
        local: GrantRate,
        *,
        unreachable: tuple[type[Exception], ...],
        meter: Meter,
        monotonic: Callable[[], float],
        retry_seconds: float = 2.0,
    ) -> None:
        self._shared = shared
        self._local = local
        self._unreachable = unreachable
        self._meter = meter
        self._monotonic = monotonic
        #: How long the server is left alone after a failure: every attempt may cost its timeout.
        self._retry_seconds = retry_seconds
        self._retry_at = float("-inf")

    def grant(self, asks: Sequence[Ask], windows: Windows) -> list[float]:
        """Let in the asks that fit, in the order given; return seconds to wait."""
        if self._monotonic() >= self._retry_at:
            try:
                return self._shared(asks, windows)
            except self._unreachable as error:
                self._retry_at = self._monotonic() + self._retry_seconds
                log.warning("order_rate.degraded", error=repr(error)[:200])
        self._meter.add(Metric.ORDER_RATE_FALLBACKS, len(asks))
        return self._local(asks, windows)
