"""The newest events of the account, as the stream reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.entrypoints.desk.pages.parts import box, heading
from angel_x.entrypoints.desk.views.activity import is_shown, line

if TYPE_CHECKING:
    from angel_x.entrypoints.desk.pages.frame import Frame

_MOST_LINES = 40
_LOOK_SECONDS = 0.25


class Activity:
    """A list to which new events are added on top."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._last = 0
        with box("ax-section", "section"):
            heading("Activity")
            self._empty = ui.label(
                "No event since this page was opened. Fills, cancellations and halts appear here."
            ).classes("ax-empty")
            self._lines = box("ax-activity").props("role=log aria-label=Activity")
        ui.timer(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        events = [each for each in list(self._frame.account.events) if each[0] > self._last]
        if not events:
            return
        self._last = events[-1][0]
        for _, event in events:
            if is_shown(event):
                self._add(*line(event))
        for old in list(self._lines)[_MOST_LINES:]:
            old.delete()

    def _add(self, text: str, tone: str) -> None:
        self._empty.set_visibility(False)
        with self._lines:
            added = ui.label(text).classes(tone)
        added.move(target_index=0)
