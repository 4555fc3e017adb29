"""The charts of one underlying."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.entrypoints.desk.elements.live_table import Empty
from angel_x.entrypoints.desk.pages.chart_box import ChartBox
from angel_x.entrypoints.desk.pages.parts import box, heading
from angel_x.entrypoints.desk.pages.polled import Polled
from angel_x.entrypoints.desk.views import market_charts as view

if TYPE_CHECKING:
    from angel_x.domain.chains.summary_record import ChainSummary, ExpirySummary
    from angel_x.entrypoints.desk.pages.frame import Frame

#: The underlying that a page begins with.
FIRST = "NIFTY"
_LOOK_SECONDS = 2.0
_SOURCE = "summary"
_NO_VOLATILITY = Empty(
    "No contract has a volatility.",
    "Volatilities come with quotes: see the age of the Greeks above.",
)
_NO_INTEREST = Empty(
    "No open interest is known.", "It comes with quotes: see the age of the oldest quote above."
)
_NO_GAMMA = Empty(
    "No contract with open interest has a gamma.",
    "Greeks need a spot and quotes: see their ages above.",
)
_CONVENTION = (
    "Gamma \N{MULTIPLICATION SIGN} open interest \N{MULTIPLICATION SIGN} spot² \N{MULTIPLICATION SIGN} 1 %, calls "
    "positive and puts negative: by convention hedgers are long calls and short puts. Holdings are not "
    "published."
)


class MarketCharts:
    """Smile, term structure, open interest, max pain and gamma exposure."""

    def __init__(self, frame: Frame) -> None:
        self._shown: ChainSummary | None = None
        #: Called with the summary and its chosen expiry when one of them is new.
        self.on_choice: list[Callable[[ChainSummary, ExpirySummary], None]] = []
        with box("ax-section", "section"):
            self._draw_bar()
            self._figures = box("ax-summary").props(f"data-source={_SOURCE}")
            self._polled = Polled(
                frame,
                _SOURCE,
                lambda client, underlying: client.chain_summary(underlying),
                self._show,
                question=FIRST,
                seconds=_LOOK_SECONDS,
            )
        with box("ax-charts"):
            self._smile = ChartBox("Smile", _SOURCE, _NO_VOLATILITY)
            self._term = ChartBox("Term structure", _SOURCE, _NO_VOLATILITY)
            self._interest = ChartBox("Open interest by strike", _SOURCE, _NO_INTEREST)
            self._pain = ChartBox("Max pain", _SOURCE, _NO_INTEREST)
            self._gamma = ChartBox("Gamma exposure", _SOURCE, _NO_GAMMA, about=_CONVENTION)

    def _draw_bar(self) -> None:
        with box("ax-bar"):
            heading("Market", _SOURCE)
            self._underlying = (
                ui.input("Underlying", value=FIRST)
                .props("outlined dense maxlength=20")
                .classes("ax-short")
                .on("keydown.enter", self._turn)
                .on("blur", self._turn)
            )
            self._expiry = (
                ui.select({}, label="Expiry", on_change=self._draw)
                .props("outlined dense options-dense")
                .classes("ax-expiry")
            )

    def _turn(self) -> None:
        name = str(self._underlying.value or "").strip().upper()
        if name:
            self._polled.ask(name)

    def _show(self, summary: ChainSummary) -> None:
        self._shown = summary
        options = {each.expiry.isoformat(): view.day(each) for each in summary.expiries}
        if options != self._expiry.options:
            first = next(iter(options), None)
            kept = self._expiry.value if self._expiry.value in options else first
            self._expiry.set_options(options, value=kept)
        self._draw()

    def _draw(self) -> None:
        summary = self._shown
        if summary is None or (expiry := view.chosen(summary, self._expiry.value)) is None:
            return
        self._figures.clear()
        with self._figures:
            for name, text in view.figures(summary, expiry):
                ui.label(name).classes("ax-muted")
                ui.label(text)
        self._smile.show(view.smile(expiry))
        self._term.show(view.term_structure(summary))
        self._interest.show(view.open_interest(summary, expiry))
        self._pain.show(view.max_pain(summary, expiry))
        self._gamma.show(view.gamma_exposure(summary, expiry))
        for tell in self.on_choice:
            tell(summary, expiry)
