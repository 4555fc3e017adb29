"""Trades and the contract note of a day, and its live orders beside their paper twins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.domain.calendar.session import IST
from angel_x.domain.records.contract_note import ContractNote
from angel_x.domain.records.shadow_report import ShadowReport
from angel_x.domain.records.statement import TradeRecord
from angel_x.entrypoints.desk.elements.live_table import Empty, LiveTable
from angel_x.entrypoints.desk.pages.parts import Figure, Label, box, filter_field, heading
from angel_x.entrypoints.desk.reading import ApiReading
from angel_x.entrypoints.desk.views import day as view
from angel_x.entrypoints.desk.views import shadow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from angel_x.entrypoints.desk.account import Snapshot
    from angel_x.entrypoints.desk.pages.frame import Frame
    from angel_x.entrypoints.desk.views.table import Column

_SOURCE = "day"
_LOOK_SECONDS = 2.0
_EMPTY = Empty("Nothing on this day.", "Pick another day above.")


@dataclass(frozen=True, slots=True)
class _Day:
    """The records of one day."""

    note: ContractNote
    trades: list[TradeRecord]
    shadow: ShadowReport


def day(frame: Frame) -> None:
    """Draw the page."""
    _DayTables(frame)


class _DayTables:
    """One day, by default that of the market."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._reading: ApiReading[_Day] = ApiReading()
        self._is_reading = False
        with box("ax-tiles"):
            self._date = (
                ui.input("Day of the market", on_change=self._turn)
                .props("outlined dense type=date")
                .classes("ax-date")
            )
            self._figures = {
                name: Figure(label, _SOURCE, title) for name, label, title in view.FIGURES
            }
            filter_field()
        self._problem = ui.label().classes("ax-problem").props("role=alert")
        self._trades = self._draw("Trades closed", view.TRADES)
        self._orders = self._draw("Contract note by order", view.ORDERS)
        self._fills = self._draw("Contract note by fill", view.FILLS)
        self._settlements = self._draw("Settlements", view.SETTLEMENTS)
        with box("") as self._shadow:
            self._twins = self._draw("Live beside paper", shadow.ORDERS)
            self._summary = Label("")
        # Only live orders have a twin, and only in shadow mode.
        self._shadow.set_visibility(False)
        frame.on_snapshot.append(self._begin)
        ui.timer(_LOOK_SECONDS, self._look)

    def _draw(self, title: str, columns: Sequence[Column]) -> LiveTable:
        with box("ax-section", "section"):
            with box("ax-bar"):
                heading(title, _SOURCE)
            return LiveTable(columns, caption=title, empty=_EMPTY, source=_SOURCE)

    def _begin(self, snapshot: Snapshot) -> None:
        """Show the day of the market until another one is picked."""
        market = snapshot.market.value
        if market is not None and not self._date.value:
            self._date.set_value(market.time.astimezone(IST).date().isoformat())

    async def _turn(self) -> None:
        self._reading = self._frame.readings[_SOURCE] = ApiReading()
        await self._look()

    async def _look(self) -> None:
        wanted = self._chosen()
        if wanted is None or self._is_reading:
            return
        self._is_reading = True
        client = self._frame.account.client

        def read() -> _Day:
            since, until = view.day_bounds(wanted)
            return _Day(
                client.contract_note(wanted),
                client.trades(since=since, until=until),
                client.shadow(wanted),
            )

        try:
            found = await self._frame.attempt(self._reading.again, read, self._frame.account.clock)
        finally:
            self._is_reading = False
        if found is not None and wanted == self._chosen():
            self._show(found)

    def _chosen(self) -> date | None:
        try:
            return date.fromisoformat(str(self._date.value or ""))
        except ValueError:
            # A day that is being typed.
            return None

    def _show(self, reading: ApiReading[_Day]) -> None:
        self._reading = self._frame.readings[_SOURCE] = reading
        self._problem.set_text(reading.failure or "")
        if (found := reading.value) is None:
            return
        for name, text in view.day_figures(found.note, found.trades).items():
            self._figures[name].show(text)
        self._trades.show(view.trade_rows(found.trades))
        self._orders.show(view.order_rows(found.note))
        self._fills.show(view.fill_rows(found.note))
        self._settlements.show(view.settlement_rows(found.note))
        self._twins.show(shadow.order_rows(found.shadow))
        self._summary.show(shadow.summary(found.shadow))
        self._shadow.set_visibility(bool(found.shadow.orders))
