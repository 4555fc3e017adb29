"""The machine, for keys with the scope admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.domain.operations.machine import MachineState
from angel_x.entrypoints.desk.elements.live_table import Empty, LiveTable
from angel_x.entrypoints.desk.pages.audit_list import AuditList
from angel_x.entrypoints.desk.pages.parked_orders import ParkedOrders
from angel_x.entrypoints.desk.pages.parts import Figure, box, filter_field, heading
from angel_x.entrypoints.desk.reading import ApiReading
from angel_x.entrypoints.desk.views import machine as view

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from angel_x.entrypoints.desk.pages.frame import Frame
    from angel_x.entrypoints.desk.views.table import Column, Row

_SOURCE = "machine"
_LOOK_SECONDS = 2.0


def machine(frame: Frame) -> None:
    """Draw the page."""
    if not frame.session.is_admin:
        with box("ax-section ax-empty", "section"):
            ui.label("This page needs a key with the scope admin.")
            ui.label("Log out, and log in with the key of an operator.")
        return
    _MachineTables(frame)
    ParkedOrders(frame)
    AuditList(frame)


class _MachineTables:
    """One look at the system, every two seconds."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._reading: ApiReading[MachineState] = ApiReading()
        self._is_reading = False
        self._tables: list[tuple[LiveTable, Callable[[MachineState], list[Row]]]] = []
        self._draw_figures()
        nothing = Empty("No alert.", "Limits and remedies are in the runbooks.")
        self._draw("Alerts", view.ALERTS, view.alert_rows, nothing)
        with box("ax-halves"):
            self._draw("Queues", view.QUEUES, view.queue_rows)
            self._draw("Workers", view.CLASSES, view.class_rows)
            self._draw("Beat", view.SCHEDULE, view.schedule_rows)
            self._draw("Times", view.TIMES, view.time_rows)
            self._draw("Memory", view.PROCESSES, view.process_rows)
            self._draw("Proofs of the invariants", view.PROOFS, view.proof_rows)
        ui.timer(_LOOK_SECONDS, self._look)

    def _draw_figures(self) -> None:
        self._failure = ui.label().classes("ax-problem").props("role=alert")
        with box("ax-tiles"):
            self._figures = {
                name: Figure(label, _SOURCE, title) for name, label, title in view.FIGURES
            }
            self._links = box("ax-links", "nav").props('aria-label="Other pages for operators"')
            filter_field()

    def _draw(
        self,
        title: str,
        columns: Sequence[Column],
        rows: Callable[[MachineState], list[Row]],
        empty: Empty | None = None,
    ) -> None:
        with box("ax-section", "section"):
            with box("ax-bar"):
                heading(title, _SOURCE)
            table = LiveTable(
                columns,
                caption=title,
                empty=empty or Empty("Nothing is known.", "A server may be away: see the alerts."),
                source=_SOURCE,
            )
        self._tables.append((table, rows))

    async def _look(self) -> None:
        if self._is_reading:
            return
        self._is_reading = True
        account = self._frame.account
        try:
            found = await self._frame.attempt(
                self._reading.again, account.client.machine, account.clock
            )
        finally:
            self._is_reading = False
        if found is not None:
            self._show(found)

    def _show(self, reading: ApiReading[MachineState]) -> None:
        self._reading = self._frame.readings[_SOURCE] = reading
        if (state := reading.value) is None:
            self._failure.set_text(reading.failure or "")
            return
        unread = f"Not readable: {', '.join(state.unread)}" if state.unread else ""
        self._failure.set_text(reading.failure or unread)
        for name, text in view.figures(state).items():
            self._figures[name].show(text)
        for table, rows in self._tables:
            table.show(rows(state))
        self._show_links(state)

    def _show_links(self, state: MachineState) -> None:
        if not list(self._links):
            with self._links:
                for name, address in state.links.items():
                    ui.link(name, address, new_tab=True)
