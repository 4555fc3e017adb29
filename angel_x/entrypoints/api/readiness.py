"""Readiness: every part is probed within a second, at most once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

#: Returns the state of a part in a few words; raises if it is not ready.  Blocks.
Probe = Callable[[], str]

_BUDGET_SECONDS = 1.0
_CACHED_SECONDS = 1.0
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class SystemPart:
    """One part of the system."""

    ready: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """The readiness of the system and of its parts."""

    ready: bool
    parts: dict[str, SystemPart]


class ReadinessCheck:
    """Belongs to one event loop."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        self._probes = dict(probes)
        # A probe that hangs keeps its thread and is not repeated meanwhile.
        self._threads = ThreadPoolExecutor(max(1, len(probes)), thread_name_prefix="probe")
        self._asked: dict[str, asyncio.Future[str]] = {}
        self._answer: Readiness | None = None
        self._answered_at = 0.0
        self._asking = asyncio.Lock()

    async def run(self) -> Readiness:
        """Return the readiness, at most a second old."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if self._answer is None or now - self._answered_at >= _CACHED_SECONDS:
                self._answer = await self._ask()
                self._answered_at = now
            return self._answer

    def close(self) -> None:
        self._threads.shutdown(wait=False)

    async def _ask(self) -> Readiness:
        loop = asyncio.get_running_loop()
        for name, probe in self._probes.items():
            if name not in self._asked:
                self._asked[name] = loop.run_in_executor(self._threads, probe)
        if self._asked:
            await asyncio.wait(self._asked.values(), timeout=_BUDGET_SECONDS)
        parts = {name: self._part(name) for name in self._probes}
        return Readiness(all(part.ready for part in parts.values()), parts)

    def _part(self, name: str) -> SystemPart:
        if not self._asked[name].done():
            return SystemPart(ready=False, detail=f"no answer within {_BUDGET_SECONDS:g} s")
        answer = self._asked.pop(name)
        error = answer.exception()
        if error is None:
            return SystemPart(ready=True, detail=answer.result())
        words = str(error).strip() or type(error).__name__
        return SystemPart(ready=False, detail=words.splitlines()[0][:_SHOWN])
