"""The supervisor's end of the pipe to the sweeper."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Self

from angel_x.adapters.children import sweeper
from angel_x.adapters.children.keeper import Keeper


class Reaper:
    """Registers the process groups of this process with the sweeper.

    ``patience`` is the seconds in which the groups may end by themselves after its death.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._groups: dict[int, None] = {}
        self._keeper = self._start()

    def add(self, pid: int) -> None:
        self._groups[pid] = None
        self._tell(f"+{pid}")

    def remove(self, pid: int) -> None:
        self._groups.pop(pid, None)
        self._tell(f"-{pid}")

    def poll(self) -> None:
        """Put another sweeper in the place of one that has died; called on SIGCHLD."""
        if self._keeper.is_alive:
            return
        self._keeper.close()
        self._keeper = self._start()
        for pid in self._groups:
            self._tell(f"+{pid}")

    def _start(self) -> Keeper:
        return Keeper(sweeper.__name__, f"{self._patience:g}")

    def close(self) -> None:
        """Let the sweeper end the remaining groups, and wait for that; a second call does nothing."""
        self._keeper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _tell(self, line: str) -> None:
        # Another sweeper takes its place; until then the kernel's signal remains.
        with suppress(BrokenPipeError):
            self._keeper.tell(line)
