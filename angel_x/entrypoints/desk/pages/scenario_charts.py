"""The book, and the basket that is being built, in other states of the market."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.entrypoints.desk.elements.live_table import Empty
from angel_x.entrypoints.desk.pages.chart_box import ChartBox
from angel_x.entrypoints.desk.pages.parts import box, heading
from angel_x.entrypoints.desk.pages.polled import Polled
from angel_x.entrypoints.desk.views import scenario_charts as view

if TYPE_CHECKING:
    from angel_x.client import Client
    from angel_x.domain.strategies.answers import ScenarioReport
    from angel_x.entrypoints.desk.account import Snapshot
    from angel_x.entrypoints.desk.pages.frame import Frame

_SOURCE = "scenarios"
_LOOK_SECONDS = 5.0
#: Every state is priced anew, so it may take its time.
_FRESH = 3 * _LOOK_SECONDS
_ALL = "All"
_DAYS = {0: "Now", 1: "In 1 day", 3: "3", 7: "7"}
_EMPTY = Empty(
    "No open options.",
    "A filled order opens a position; or build a basket on the page Chain and include it here.",
)


class ScenarioCharts:
    """A heat map by spot and volatility, and the payoff of one underlying."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._shown: ScenarioReport | None = None
        with box("ax-section", "section"):
            self._draw_bar()
            self._left_out = ui.label().classes("ax-warning")
            self._polled = Polled(
                frame,
                _SOURCE,
                _read,
                self._show,
                question=view.ScenarioQuestion(),
                seconds=_LOOK_SECONDS,
            )
        with box("ax-charts"):
            self._heat = ChartBox(
                "P&L by spot and volatility",
                _SOURCE,
                _EMPTY,
                fresh=_FRESH,
                about="Change of value from now, before charges. Volatilities change by a share of themselves.",
            )
            self._payoff = ChartBox(
                "Payoff",
                _SOURCE,
                _EMPTY,
                fresh=_FRESH,
                about="P&L since the positions were opened, before charges.",
            )
        frame.on_snapshot.append(self._follow)

    def _draw_bar(self) -> None:
        with box("ax-bar"):
            heading("Scenarios", _SOURCE, _FRESH)
            self._underlying = (
                ui.select([_ALL], value=_ALL, label="Part of the book", on_change=self._turn)
                .props("outlined dense options-dense")
                .classes("ax-expiry")
            )
            self._days = (
                ui.toggle(_DAYS, value=0, on_change=self._turn)
                .props('unelevated no-caps dense aria-label="Days from now"')
                .classes("ax-toggle")
            )
            self._basket = ui.checkbox("With the basket", on_change=self._turn)

    def _turn(self) -> None:
        legs = self._frame.session.legs if self._basket.value else ()
        chosen = self._underlying.value
        self._polled.ask(
            view.ScenarioQuestion(
                underlying=None if chosen in {None, _ALL} else str(chosen),
                days=float(self._days.value or 0),
                legs=legs,
            )
        )

    def _follow(self, snapshot: Snapshot) -> None:
        legs = self._frame.session.legs
        self._basket.set_enabled(bool(legs))
        names = [_ALL, *view.underlyings(snapshot.positions.value or (), legs)]
        if names != self._underlying.options:
            kept = self._underlying.value if self._underlying.value in names else _ALL
            self._underlying.set_options(names, value=kept)

    def _show(self, report: ScenarioReport) -> None:
        self._left_out.set_text(view.left_out(report))
        self._heat.show(view.heat_map(report))
        self._payoff.show(view.payoff(report))


def _read(client: Client, question: view.ScenarioQuestion) -> ScenarioReport:
    return client.scenarios(
        [leg.as_order() for leg in question.legs],
        spot_percents=view.SPOT_PERCENTS,
        vol_percents=view.VOL_PERCENTS,
        days=sorted({0.0, question.days}),
        underlying=question.underlying,
    )
