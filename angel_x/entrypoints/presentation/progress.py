"""Progress of long work, for people at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

Tell = Callable[[str], None]


def silently(_words: str) -> None:
    """Show nothing."""


@contextmanager
def working(words: str, console: Console | None = None) -> Iterator[Tell]:
    """Show the words on standard error while the block works, and yield a function that replaces them.

    Nothing is shown without a terminal.
    """
    shown = console or Console(stderr=True)
    if not shown.is_terminal:
        yield silently
        return
    with shown.status(words) as status:
        yield status.update
