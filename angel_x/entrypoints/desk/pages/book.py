"""The book: positions, orders, and ways out of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.entrypoints.desk.elements.live_table import Empty, LiveTable
from angel_x.entrypoints.desk.pages.activity import Activity
from angel_x.entrypoints.desk.pages.exits import SquareOffs
from angel_x.entrypoints.desk.pages.order_list import OrderList
from angel_x.entrypoints.desk.pages.parts import Figure, box, button, filter_field, heading
from angel_x.entrypoints.desk.views import positions as view
from angel_x.entrypoints.desk.views.totals import FIGURES, totals

if TYPE_CHECKING:
    from angel_x.entrypoints.desk.account import Snapshot
    from angel_x.entrypoints.desk.pages.frame import Frame


def book(frame: Frame) -> None:
    """Draw the page."""
    _Totals(frame)
    exits = SquareOffs(frame)
    _Positions(frame, exits)
    OrderList(frame)
    Activity(frame)


class _Totals:
    """Equity and the Greeks of the whole account."""

    def __init__(self, frame: Frame) -> None:
        with box("ax-tiles"):
            self._figures = {
                name: Figure(label, "portfolio", title) for name, label, title in FIGURES
            }
            filter_field()
        frame.on_snapshot.append(self._show)

    def _show(self, snapshot: Snapshot) -> None:
        if (portfolio := snapshot.portfolio.value) is not None:
            for name, text in totals(portfolio).items():
                self._figures[name].show(text)


class _Positions:
    """The open positions."""

    def __init__(self, frame: Frame, exits: SquareOffs) -> None:
        self._frame = frame
        self._exits = exits
        with box("ax-section", "section"):
            with box("ax-bar"):
                heading("Positions", "positions")
                if frame.session.may_trade:
                    with box("ax-actions"):
                        self._underlying = ui.select([], label="Underlying").props(
                            "outlined dense options-dense"
                        )
                        button("Square off underlying", self._square_off_underlying)
                        button("Square off all", exits.all, kind="danger")
            self._table = LiveTable(
                view.COLUMNS,
                caption="Open positions",
                empty=Empty(
                    "No open positions.",
                    "A filled order opens one: pick strikes on the page Chain, or submit by API.",
                ),
                source="positions",
                on_act=self._square_off,
            )
        frame.on_snapshot.append(self._show)

    def _show(self, snapshot: Snapshot) -> None:
        if (positions := snapshot.positions.value) is None:
            return
        self._table.show(view.position_rows(positions, may_trade=self._frame.session.may_trade))
        if self._frame.session.may_trade:
            names = view.underlyings(positions)
            if names != self._underlying.options:
                kept = self._underlying.value if self._underlying.value in names else None
                self._underlying.set_options(names, value=kept or (names[0] if names else None))

    def _square_off(self, row: str, _act: str) -> None:
        symbol, _, product = row.partition(" ")
        self._exits.one(symbol, product)

    def _square_off_underlying(self) -> None:
        if self._underlying.value:
            self._exits.underlying(str(self._underlying.value))
