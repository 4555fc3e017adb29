"""Starting programs in stages, keeping them alive, and stopping them in the reverse order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from angel_x.adapters.children.logs import USUAL_BOUNDS, LogBounds
from angel_x.entrypoints.supervisor.child import Child
from angel_x.entrypoints.supervisor.output import Terminal
from angel_x.entrypoints.supervisor.program import Program
from angel_x.entrypoints.supervisor.reaper import Reaper

#: Seconds that a program gets to become ready.
START_PATIENCE = 90.0


class Supervisor:
    """The programs of one system, each stage ready before the next one starts.

    It belongs to the event loop of the main thread, because the end of a process is a signal.
    """

    def __init__(
        self,
        stages: Sequence[Sequence[Program]],
        logs: Path,
        terminal: Terminal,
        *,
        on_change: Callable[[dict[str, int]], None] = lambda _pids: None,
        on_ready: Callable[[str], None] = lambda _name: None,
        log_bounds: LogBounds = USUAL_BOUNDS,
    ) -> None:
        self._reaper = Reaper(max(p.stop_seconds for stage in stages for p in stage))
        self._stages = [
            [Child(p, logs / f"{p.name}.log", terminal, self._reaper, log_bounds) for p in stage]
            for stage in stages
        ]
        self._on_change = on_change
        self._on_ready = on_ready
        self._keepers: list[asyncio.Task[None]] = []

    def pids(self) -> dict[str, int]:
        """Return the process ids of running programs by name."""
        return {child.name: child.pid for child in self._children() if child.pid is not None}

    def starts(self) -> dict[str, int]:
        """Return how often each program was started."""
        return {child.name: child.starts for child in self._children()}

    @property
    def children(self) -> list[Child]:
        """The programs in the order of their start."""
        return list(self._children())

    async def start(self) -> None:
        """Start all programs and return when all are ready.

        Raises:
            ProgramFailed: A program ended, or took too long; :meth:`stop` ends the running ones.
        """
        for stage in self._stages:
            for child in stage:
                await child.start()
            self._note()
            await self._await_stage(stage)
            self._keepers += [
                asyncio.create_task(child.keep_alive(self._note), name=child.name)
                for child in stage
            ]

    async def _await_stage(self, stage: Sequence[Child]) -> None:
        try:
            async with asyncio.TaskGroup() as waiting:
                for child in stage:
                    waiting.create_task(self._await_ready(child))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _await_ready(self, child: Child) -> None:
        await child.become_ready(START_PATIENCE)
        self._on_ready(child.name)

    async def stop(self) -> None:
        """Stop everything, the last stage first.  Nothing of it runs afterwards."""
        for child in self._children():
            child.will_stop()
        for stage in reversed(self._stages):
            await asyncio.gather(*(child.stop() for child in stage))
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    def kill(self) -> None:
        """End everything at once; a stop that is under way then finds it ended."""
        for child in self._children():
            child.kill()

    async def __aenter__(self) -> Self:
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._poll)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self.stop()
        finally:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)
            self._reaper.close()

    def _poll(self) -> None:
        self._reaper.poll()
        for child in self._children():
            child.poll()

    def _note(self) -> None:
        self._on_change(self.pids())

    def _children(self) -> Iterator[Child]:
        for stage in self._stages:
            yield from stage
