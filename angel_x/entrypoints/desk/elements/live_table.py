"""A table whose cells change in place: only what has changed travels to the browser.

NiceGUI's own table sends all rows with every change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nicegui.element import Element

from angel_x.entrypoints.desk.views.table import TONE, changes

if TYPE_CHECKING:
    from nicegui.events import GenericEventArguments

    from angel_x.entrypoints.desk.views.table import Column, Row


@dataclass(frozen=True, slots=True)
class Empty:
    """The words of a table without rows: the fact, and the next thing to do."""

    fact: str
    advice: str


class LiveTable(Element, component="live_table.js"):
    """Rows with buttons; texts are shown as texts, never as HTML."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        caption: str,
        empty: Empty,
        source: str = "",
        kind: str = "",
        on_act: Callable[[str, str], object] | None = None,
        on_open: Callable[[str], object] | None = None,
    ) -> None:
        """Show columns; ``on_act`` gets the id of a row and an act, ``on_open`` the id alone.

        ``source`` names the reading whose age the rows share, ``kind`` is a class of the style sheet.
        """
        super().__init__()
        self._rows: list[Row] = []
        self._props.update(
            columns=[column.as_json() for column in columns],
            rows=[],
            caption=caption,
            empty=[empty.fact, empty.advice],
            source=source,
            kind=kind,
            opens=on_open is not None,
            waits=True,
        )
        if on_act is not None:
            self.on("act", lambda event: on_act(*_pair(event)))
        if on_open is not None:
            self.on("open", lambda event: on_open(str(event.args)))

    def show(self, rows: Sequence[Row]) -> None:
        """Replace the rows; equal ones send nothing."""
        former, self._rows = self._rows, list(rows)
        changed = changes(former, self._rows)
        was_waiting, self._props["waits"] = self._props["waits"], False
        if changed is None or was_waiting:
            self._props["rows"] = [row.as_json() for row in self._rows]
            self.update()
        elif changed:
            for place, column, new in changed:
                shown = self._props["rows"][place]
                (shown if column == TONE else shown["cells"])[column] = new
            self.run_method("patch", changed)


def _pair(event: GenericEventArguments) -> tuple[str, str]:
    row, act = event.args
    return str(row), str(act)
