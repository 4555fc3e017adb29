"""The option chain, and the basket that is built from it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.domain.chains.option_chain import OptionChain
from angel_x.entrypoints.desk.elements.live_table import Empty, LiveTable
from angel_x.entrypoints.desk.pages.basket import BasketBuilder
from angel_x.entrypoints.desk.pages.parts import box, heading
from angel_x.entrypoints.desk.reading import ApiReading
from angel_x.entrypoints.desk.views import chain as view

if TYPE_CHECKING:
    from angel_x.entrypoints.desk.pages.frame import Frame

_LOOK_SECONDS = 0.5
_FIRST = "NIFTY"
_STRIKES = {15: "15 strikes", 31: "31", 61: "61", 10_000: "All"}


def chain(frame: Frame) -> None:
    """Draw the page."""
    reader = _ChainReader(frame)
    with box("ax-columns"):
        _ChainTable(frame, reader)
        reader.builder = BasketBuilder(frame, lambda: reader.reading.value)


class _ChainReader:
    """Reads the chain that is shown."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.reading: ApiReading[OptionChain] = ApiReading()
        self.underlying = _FIRST
        self.expiry: date | None = None
        self.builder: BasketBuilder | None = None
        self._is_reading = False

    async def read(self) -> bool:
        """Read the chain; False if an earlier reading still runs or another chain is shown now."""
        if self._is_reading:
            return False
        self._is_reading = True
        client, wanted = self._frame.account.client, (self.underlying, self.expiry)
        try:
            found = await self._frame.attempt(
                self.reading.again,
                lambda: client.option_chain(*wanted),
                self._frame.account.clock,
            )
        finally:
            self._is_reading = False
        if found is None or wanted != (self.underlying, self.expiry):
            return False
        self.reading = self._frame.readings["chain"] = found
        return True

    def turn(self, underlying: str, expiry: date | None) -> None:
        """Show another chain from the next reading on; nothing of the former one stays."""
        self.underlying, self.expiry, self.reading = underlying, expiry, ApiReading()
        self._frame.readings["chain"] = self.reading


class _ChainTable:
    """Tabs of expiries and the rows of one."""

    def __init__(self, frame: Frame, reader: _ChainReader) -> None:
        self._frame, self._reader = frame, reader
        self._expiries: tuple[date, ...] = ()
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
                ui.input("Underlying", value=_FIRST)
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
                    ui.toggle(_STRIKES, value=31)
                    .props("unelevated no-caps dense")
                    .classes("ax-toggle")
                )

    async def _look(self) -> None:
        if await self._reader.read():
            self._show(self._reader.reading)

    def _show(self, reading: ApiReading[OptionChain]) -> None:
        self._failure.set_text(reading.failure or "")
        if (found := reading.value) is None:
            return
        self._show_expiries(found)
        positions = self._frame.account.snapshot.positions.value or ()
        self._table.show(view.chain_rows(found, positions, most=int(self._strikes.value or 31)))
        self._summary.clear()
        with self._summary:
            for name, text in view.summary(found):
                ui.label(name).classes("ax-muted")
                ui.label(text)

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
