"""Output of commands: one JSON document, or tables for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDTH_WITHOUT_TERMINAL = 160


def print_json(document: object) -> None:
    """Print a document of records; money goes out as strings."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n")


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, is_tight: bool = False
) -> Table:
    """Return a table; a column whose name starts with ``>`` holds numbers.

    The first column identifies the row, so it is never cut.
    """
    made = Table(
        # A title may be wider than its table and must not be wrapped.
        title=Text(title, style="table.title", no_wrap=True, overflow="ignore"),
        title_justify="left",
        header_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0) if is_tight else (0, 1),
    )
    for number, column in enumerate(columns):
        side: Literal["left", "right"] = "right" if column.startswith(">") else "left"
        # A number that is cut would read as another one, so it is folded.
        made.add_column(column.lstrip(">"), justify=side, no_wrap=number == 0, overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def console_for_people(*, stderr: bool = False, quiet: bool = False) -> Console:
    """Return a console; without a terminal its width is fixed and wide."""
    console = Console(stderr=stderr, quiet=quiet, highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH_WITHOUT_TERMINAL
    return console


def show(*parts: object) -> None:
    """Print for people."""
    console = console_for_people()
    for part in parts:
        console.print(part)
