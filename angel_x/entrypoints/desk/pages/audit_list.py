"""The audit, searched and read page by page from the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.entrypoints.desk.elements.live_table import Empty, LiveTable
from angel_x.entrypoints.desk.pages.page_turner import PageTurner
from angel_x.entrypoints.desk.pages.parts import box, heading
from angel_x.entrypoints.desk.reading import ApiReading
from angel_x.entrypoints.desk.views.operations import AUDIT, audit_rows

if TYPE_CHECKING:
    from angel_x.domain.records.audit import AuditPage
    from angel_x.entrypoints.desk.pages.frame import Frame
    from angel_x.entrypoints.desk.views.paging import Pager

_SOURCE = "audit"
_PAGE = 50
_LOOK_SECONDS = 5.0


class AuditList:
    """Audit entries, the newest first."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._turner = PageTurner(self._read)
        self._reading: ApiReading[AuditPage] = ApiReading()
        self._is_reading = False
        with box("ax-section", "section"):
            self._draw_bar()
            self._table = LiveTable(
                AUDIT,
                caption="Audit, the newest first",
                empty=Empty("No entry is found.", "Search for less, or turn to older entries."),
                source=_SOURCE,
            )
        ui.timer(_LOOK_SECONDS, self._look)

    def _draw_bar(self) -> None:
        with box("ax-bar"):
            heading("Audit", _SOURCE)
            self._text = (
                ui.input("Search actor, action, subject, detail")
                .props("outlined dense clearable maxlength=100 debounce=300")
                .classes("ax-search")
                .on_value_change(self._turner.turn_to_first)
            )
            with box("ax-actions"):
                self._turner.draw()

    async def _look(self) -> None:
        if not self._is_reading:
            await self._read()

    async def _read(self) -> None:
        self._is_reading = True
        account, wanted = self._frame.account, self._wanted()
        pager, text = wanted

        def read() -> AuditPage:
            return account.client.audit_page(
                text=text or None, cursor=pager.cursor, page_size=_PAGE
            )

        try:
            found = await self._frame.attempt(self._reading.again, read, account.clock)
        finally:
            self._is_reading = False
        if found is not None and wanted == self._wanted():
            self._show(found)

    def _wanted(self) -> tuple[Pager, str]:
        """Return the place in the list and the text that is searched for."""
        return self._turner.pager, str(self._text.value or "").strip()

    def _show(self, reading: ApiReading[AuditPage]) -> None:
        self._reading = self._frame.readings[_SOURCE] = reading
        if (page := reading.value) is None:
            return
        self._table.show(audit_rows(page.entries))
        self._turner.show(page.next)
