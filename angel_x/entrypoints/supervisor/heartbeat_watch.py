"""The replacement of programs that live and do not work any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from angel_x.entrypoints.supervisor.child import Child

log = structlog.get_logger()

#: Seconds between two looks at the heartbeats.
_LOOK_SECONDS = 1.0
#: The part of the bound after which the servers are asked, to know whether one is away meanwhile.
_FIRST_SIGN = 0.2
#: Seconds that programs get to connect again when a server is back; Celery tries every half minute at last.
RECONNECT_SECONDS = 35.0


class HeartbeatWatch:
    """Replaces programs whose heartbeat is older than ``bound_seconds`` while all servers answer.

    A server that is away makes every program silent, and a restart would not bring it back.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        bound_seconds: float,
        outage: Callable[[], str | None],
        on_replaced: Callable[[str], None],
        reconnect_seconds: float = RECONNECT_SECONDS,
    ) -> None:
        self._children = children
        self._bound = bound_seconds
        self._outage = outage
        self._on_replaced = on_replaced
        self._reconnect_seconds = reconnect_seconds
        self._excused_until = 0.0

    async def run(self) -> None:
        """Look at the heartbeats until this is canceled."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(_LOOK_SECONDS)
            await self._look(time.monotonic() - began - _LOOK_SECONDS)

    async def _look(self, stalled: float = 0.0) -> None:
        """Look once; after ``stalled`` seconds in which the machine stood still, programs are excused too."""
        if stalled > self._bound * _FIRST_SIGN:
            self._excuse(f"the machine stood still for {stalled:.0f} s")
        silent = [c for c in self._children if c.silence() > self._bound * _FIRST_SIGN]
        if not silent:
            return
        if (reason := await asyncio.to_thread(self._outage)) is not None:
            self._excuse(reason)
        elif time.monotonic() >= self._excused_until:
            await asyncio.gather(*(self._replace(c) for c in silent if c.silence() > self._bound))

    def _excuse(self, reason: str) -> None:
        now = time.monotonic()
        if now >= self._excused_until:
            log.warning("programs.excused", reason=reason)
        self._excused_until = now + self._reconnect_seconds

    async def _replace(self, child: Child) -> None:
        seconds = round(child.silence(), 1)
        log.warning("program.replaced", program=child.name, silent_seconds=seconds)
        self._on_replaced(child.name)
        await child.replace(f"asks for no messages since {seconds:g} s")
