"""The charts of the account through time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.entrypoints.desk.elements.live_table import Empty
from angel_x.entrypoints.desk.pages.chart_box import ChartBox
from angel_x.entrypoints.desk.pages.parts import box, heading
from angel_x.entrypoints.desk.pages.polled import Polled
from angel_x.entrypoints.desk.views import account_charts as view

if TYPE_CHECKING:
    from angel_x.domain.records.equity import EquityPoint
    from angel_x.entrypoints.desk.account import Snapshot
    from angel_x.entrypoints.desk.pages.frame import Frame

_POINTS, _DAYS = "equity", "pnl"
#: Snapshots are taken every 15 minutes, and a day's P&L folds the whole history.
_POINTS_SECONDS, _DAYS_SECONDS = 15.0, 60.0
_NO_POINTS = Empty(
    "No snapshot of the account yet.", "One is taken every 15 minutes while the market trades."
)
_NO_DAYS = Empty("Nothing was realised yet.", "A day appears here once a fill closes a position.")


class AccountCharts:
    """Equity, P&L and margin, and realised P&L by day."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._points: list[EquityPoint] = []
        with box("ax-section", "section"):
            with box("ax-bar"):
                heading("Account", _POINTS, 3 * _POINTS_SECONDS)
                self._period = (
                    ui.toggle(view.PERIODS, value=0, on_change=self._draw)
                    .props("unelevated no-caps dense aria-label=Period")
                    .classes("ax-toggle")
                )
            Polled(
                frame,
                _POINTS,
                lambda client, _: client.equity(),
                self._take,
                question=None,
                seconds=_POINTS_SECONDS,
            )
            Polled(
                frame,
                _DAYS,
                lambda client, _: client.pnl(),
                lambda report: self._by_day.show(view.by_day(report)),
                question=None,
                seconds=_DAYS_SECONDS,
            )
        with box("ax-charts"):
            fresh = 3 * _POINTS_SECONDS
            self._equity = ChartBox("Equity", _POINTS, _NO_POINTS, fresh=fresh)
            self._profit = ChartBox("P&L", _POINTS, _NO_POINTS, fresh=fresh)
            self._margin = ChartBox("Margin used", _POINTS, _NO_POINTS, fresh=fresh)
            self._by_day = ChartBox("Realised P&L by day", _DAYS, _NO_DAYS, fresh=3 * _DAYS_SECONDS)
        frame.on_snapshot.append(self._follow)

    def _take(self, points: list[EquityPoint]) -> None:
        self._points = points
        self._draw()

    def _follow(self, _snapshot: Snapshot) -> None:
        self._draw()

    def _draw(self) -> None:
        portfolio = self._frame.account.snapshot.portfolio.value
        points = view.through_time(self._points, portfolio, int(self._period.value or 0))
        self._equity.show(view.equity(points))
        self._profit.show(view.profit(points))
        self._margin.show(view.margin(points))
