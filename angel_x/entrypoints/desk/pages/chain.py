"""The option chain, and the basket that is built from it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.domain.chains.chain_record import OptionChain
from angel_x.entrypoints.desk.elements.live_table import Empty, LiveTable
from angel_x.entrypoints.desk.pages.basket import BasketBuilder
from angel_x.entrypoints.desk.pages.chain_reader import FIRST, ChainReader
from angel_x.entrypoints.desk.pages.parts import box, heading
from angel_x.entrypoints.desk.reading import ApiReading
from angel_x.entrypoints.desk.views import chain as view
from angel_x.entrypoints.desk.views.words import age

if TYPE_CHECKING:
    from angel_x.entrypoints.desk.pages.frame import Frame

_LOOK_SECONDS = 0.1
_FIRST_STRIKES = 31
_STRIKES = {15: "15 strikes", 31: "31", 61: "61", 10_000: "All"}


def chain(frame: Frame) -> None:
    """Draw the page."""
    reader = ChainReader(frame)
    with box("ax-columns"):
        _ChainTable(frame, reader)
        reader.builder = BasketBuilder(frame, lambda: reader.reading.value)


class _ChainTable:
    """Tabs of expiries and the rows of one."""

    def __init__(self, frame: Frame, reader: ChainReader) -> None:
        self._frame, self._reader = frame, reader
        self._expiries: tuple[date, ...] = ()
        self._facts: dict[str, ui.label] = {}
        self._rows = view.ChainRows()
        with box("ax-section", "section"):
            self._draw_bar()
            self._summary = box("ax-summary").props("data-source=chain")
            self._failure = ui.label().classes("ax-problem").props("role=alert")
            self._table = LiveTable(
                view.COLUMNS,
                caption="Option chain, calls on the left, puts on the right",
                empty=Empty("No contracts.", "Another underlying or expiry may be listed."),
                source="chain",
                kind="ax-wide-table ax-chain",
                on_act=self._click if frame.session.may_trade else None,
            )
        ui.timer(_LOOK_SECONDS, self._look)

    def _draw_bar(self) -> None:
        with box("ax-bar"):
            heading("Chain", "chain")
            self._underlying = (
                ui.input("Underlying", value=FIRST)
                .props("outlined dense maxlength=20")
                .classes("ax-short")
                .on("keydown.enter", self._turn)
                .on("blur", self._turn)
            )
            self._expiry = (
                ui.toggle({}, on_change=self._turn_expiry)
                .props("unelevated no-caps dense")
                .classes("ax-toggle")
            )
            with box("ax-actions"):
                self._strikes = (
                    ui.toggle(_STRIKES, value=_FIRST_STRIKES, on_change=self._reader.reread)
                    .props("unelevated no-caps dense")
                    .classes("ax-toggle")
                )

    async def _look(self) -> None:
        if await self._reader.refresh(self._most):
            self._show(self._reader.reading)

    @property
    def _most(self) -> int:
        return int(self._strikes.value or _FIRST_STRIKES)

    def _show(self, reading: ApiReading[OptionChain]) -> None:
        self._failure.set_text(reading.failure or "")
        if (found := reading.value) is None:
            return
        self._show_expiries(found)
        positions = self._frame.account.snapshot.positions.value or ()
        self._table.show(self._rows.of(found, positions, most=self._most))
        for name, text in [*view.summary(found), ("Prices", self._source())]:
            self._fact(name).set_text(text)

    def _fact(self, name: str) -> ui.label:
        """Return the label of a fact above the table, made on first use."""
        if name not in self._facts:
            with self._summary:
                ui.label(name).classes("ax-muted")
                self._facts[name] = ui.label()
        return self._facts[name]

    def _source(self) -> str:
        feed = self._reader.feed
        if feed is None or feed.silence is None:
            return "read twice a second"
        if feed.is_live:
            return "as they move"
        return f"read twice a second: the stream is silent since {age(feed.silence)}"

    def _show_expiries(self, found: OptionChain) -> None:
        if found.expiries != self._expiries:
            self._expiries = found.expiries
            options = {each.isoformat(): f"{each:%d %b %y}" for each in found.expiries}
            self._expiry.set_options(options, value=found.expiry.isoformat())

    def _turn(self) -> None:
        name = str(self._underlying.value or "").strip().upper()
        if name and name != self._reader.underlying:
            self._expiries = ()
            self._reader.turn(name, None)

    def _turn_expiry(self) -> None:
        chosen = date.fromisoformat(self._expiry.value) if self._expiry.value else None
        shown = self._reader.reading.value
        if chosen is not None and (shown is None or chosen != shown.expiry):
            self._reader.turn(self._reader.underlying, chosen)

    def _click(self, strike: str, act: str) -> None:
        if self._reader.builder is not None:
            self._reader.builder.add(strike, act)
