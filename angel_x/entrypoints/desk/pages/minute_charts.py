"""The charts of an underlying and of a contract through a day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.domain.calendar.session import IST
from angel_x.entrypoints.desk.elements.live_table import Empty
from angel_x.entrypoints.desk.pages.chart_box import ChartBox
from angel_x.entrypoints.desk.pages.parts import box, heading
from angel_x.entrypoints.desk.pages.polled import Polled
from angel_x.entrypoints.desk.views import minute_charts as view

if TYPE_CHECKING:
    from angel_x.client import Client
    from angel_x.domain.chains.summary_record import ChainSummary, ExpirySummary
    from angel_x.domain.records.minute_series import ContractMinutes, UnderlyingMinutes
    from angel_x.entrypoints.desk.account import Snapshot
    from angel_x.entrypoints.desk.pages.frame import Frame

_UNDERLYING, _CONTRACT = "minutes", "contract_minutes"
#: A minute has one quote, which is written within seconds.
_LOOK_SECONDS = 10.0
_FRESH = 3 * _LOOK_SECONDS
_NO_MINUTES = Empty(
    "No minute of this day.",
    "One is stored each minute while the market trades; or pick another day.",
)
_NO_CONTRACT = Empty(
    "No minute of this contract on this day.",
    "Stored are contracts near the money, held or with an open order.",
)
_STRADDLE = (
    "Call and put together, at the listed strike nearest to the spot in each minute. A gap is a time without "
    "quotes."
)


class MinuteCharts:
    """Straddle, underlying and one contract through a day, of the underlying and expiry of the page."""

    def __init__(self, frame: Frame, first: str) -> None:
        """Show an underlying until :meth:`follow` names another one."""
        self._frame = frame
        self._chosen = view.MinuteQuestion(underlying=first)
        with box("ax-section", "section"):
            self._draw_bar()
            self._newest = ui.label().classes("ax-muted ax-about")
            self._minutes = Polled(
                frame,
                _UNDERLYING,
                _read_underlying,
                self._show,
                question=self._chosen,
                seconds=_LOOK_SECONDS,
            )
            self._of_contract: Polled[view.ContractQuestion | None, ContractMinutes | None]
            self._of_contract = Polled(
                frame,
                _CONTRACT,
                _read_contract,
                self._show_contract,
                question=None,
                seconds=_LOOK_SECONDS,
            )
        frame.on_snapshot.append(self._begin)
        with box("ax-charts"):
            self._straddle = ChartBox(
                "Straddle at the money", _UNDERLYING, _NO_MINUTES, about=_STRADDLE, fresh=_FRESH
            )
            self._underlying = ChartBox("Underlying", _UNDERLYING, _NO_MINUTES, fresh=_FRESH)
            self._price = ChartBox("Contract", _CONTRACT, _NO_CONTRACT, fresh=_FRESH)

    def _begin(self, snapshot: Snapshot) -> None:
        """Show the day of the market until another one is picked."""
        market = snapshot.market.value
        if market is not None and not self._day.value:
            self._day.set_value(market.time.astimezone(IST).date().isoformat())

    def follow(self, summary: ChainSummary, expiry: ExpirySummary) -> None:
        """Show the underlying and the expiry that the page shows."""
        self._chosen = view.MinuteQuestion(underlying=summary.underlying, expiry=expiry.expiry)
        positions = self._frame.account.snapshot.positions.value or ()
        options, value = view.contracts(
            summary, expiry, [each.symbol for each in positions], self._contract.value
        )
        if options != self._contract.options:
            self._contract.set_options(options, value=value)
        self._ask()

    def _draw_bar(self) -> None:
        with box("ax-bar"):
            heading("Through the day", _UNDERLYING, _FRESH)
            self._day = (
                ui.input("Day", on_change=self._ask)
                .props("outlined dense type=date stack-label")
                .classes("ax-date")
            )
            self._contract = (
                ui.select({}, label="Contract", on_change=self._ask, with_input=True)
                .props("outlined dense options-dense")
                .classes("ax-date")
            )

    def _ask(self) -> None:
        day = self._picked()
        chosen = self._chosen
        self._minutes.ask(
            view.MinuteQuestion(underlying=chosen.underlying, expiry=chosen.expiry, day=day)
        )
        if self._contract.value:
            self._of_contract.ask(view.ContractQuestion(symbol=str(self._contract.value), day=day))

    def _picked(self) -> date | None:
        try:
            return date.fromisoformat(str(self._day.value or ""))
        except ValueError:
            # A day that is being typed; until then that of the market.
            return None

    def _show(self, found: UnderlyingMinutes) -> None:
        self._newest.set_text(view.newest(found))
        self._straddle.show(view.straddle(found))
        self._underlying.show(view.underlying(found))

    def _show_contract(self, found: ContractMinutes | None) -> None:
        if found is not None:
            self._price.show(view.contract(found))


def _read_underlying(client: Client, asked: view.MinuteQuestion) -> UnderlyingMinutes:
    return client.underlying_minutes(asked.underlying, expiry=asked.expiry, day=asked.day)


def _read_contract(client: Client, asked: view.ContractQuestion | None) -> ContractMinutes | None:
    return None if asked is None else client.contract_minutes(asked.symbol, day=asked.day)
