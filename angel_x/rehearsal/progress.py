"""Progress bars of a rehearsal."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Bars:
    """One bar for each part; a quiet console shows none."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<22}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=console.quiet,
        )
        self._bars: dict[str, int] = {}

    def begin(self, name: str, total: int) -> None:
        """Add a bar."""
        self._bars[name] = self._progress.add_task(name, total=total)

    def advance(self, name: str, by: int = 1) -> None:
        self._progress.advance(self._progress.task_ids[self._bars[name]], by)

    def reach(self, name: str, completed: int) -> None:
        """Set how much of a bar is done."""
        self._progress.update(self._progress.task_ids[self._bars[name]], completed=completed)

    def stop(self) -> None:
        """Leave the bars as they are; a second call does nothing."""
        self._progress.stop()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
