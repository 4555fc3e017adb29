"""The header of every page: navigation, market, money, trading state and tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.entrypoints.desk.pages.kill_switch import KillSwitch
from angel_x.entrypoints.desk.pages.parts import Figure, Label, box, button, titled_dialog
from angel_x.entrypoints.desk.views.header import header

if TYPE_CHECKING:
    from collections.abc import Mapping

    from angel_x.entrypoints.desk.account import Snapshot
    from angel_x.entrypoints.desk.pages.frame import Frame

_HEAD = """<meta name="theme-color" content="#2f5bd7">
<link rel="stylesheet" href="/assets/desk.css">
<script src="/assets/theme.js"></script>
<script src="/assets/desk.js"></script>"""
_KEYS = (
    ("/", "filter the rows of this page"),
    ("Esc", "clear the filter, close a dialog"),
    ("?", "show these keys"),
    ("Tab, Enter", "reach and press every button and row"),
)


class HeaderBar:
    """The header of one page; ``places`` are the titles of its links by their path."""

    def __init__(self, frame: Frame, places: Mapping[str, str]) -> None:
        self._frame = frame
        ui.add_head_html(_HEAD)
        with box("ax-header", "header") as drawn:
            self._draw_navigation(places)
            self._draw_figures()
            self._draw_state()
        drawn.move(target_index=0)
        frame.on_snapshot.append(self._show)

    def _draw_navigation(self, places: Mapping[str, str]) -> None:
        with box("ax-nav", "nav").props('aria-label="Pages"'):
            ui.image("/assets/icon.svg").classes("ax-logo").props('alt="Angel-X"')
            for path, title in places.items():
                link = ui.link(title, path)
                if path == self._frame.path:
                    link.props("aria-current=page")

    def _draw_figures(self) -> None:
        self._mode = Label("ax-mode")
        with box("ax-market"):
            with box("").props("data-source=market"):
                self._market = Label("ax-session", "Market")
                self._time = Label("ax-time")
            box("ax-link-state").props("id=ax-link role=status aria-live=off")
        with box("ax-figures"):
            self._day = Figure(
                "Day P&L", "balance", "Realised less charges, and the change of open P&L"
            )
            self._open = Figure("Open P&L", "balance", "Of open positions at their marks")
            self._used = Figure("Margin used", "balance")
            self._free = Figure("Free", "balance", "What new orders may use")

    def _draw_state(self) -> None:
        with box("ax-state"):
            with box("").props("data-source=controls"):
                self._trading = Label("ax-trading")
            if self._frame.session.may_halt:
                button("Kill switch", KillSwitch(self._frame).open, kind="danger")
            with box("ax-who"):
                ui.label(self._frame.session.holder.user).classes("ax-user")
                scopes = ", ".join(self._frame.session.holder.scopes)
                ui.label(scopes).classes("ax-muted")
            with box("ax-tools"):
                self._draw_tools()

    def _draw_tools(self) -> None:
        keys = _help()
        ui.button("◐", color=None).props('flat dense aria-label="Dark or light"').on(
            "click", js_handler="() => desk.toggleTheme()"
        )
        ui.button("?", on_click=keys.open, color=None).props(
            'flat dense id=ax-help aria-label="Keys"'
        )
        ui.button("Log out", color=None).props("flat dense no-caps").on(
            "click", js_handler="() => desk.logOut()"
        )

    def _show(self, snapshot: Snapshot) -> None:
        texts = header(snapshot)
        self._mode.show(texts.mode)
        self._market.show(texts.session)
        self._time.show(texts.market_time)
        self._open.show(texts.open_profit)
        self._day.show(texts.day_profit)
        self._used.show(texts.margin_used)
        self._free.show(texts.margin_free)
        self._trading.show(texts.trading)


def _help() -> ui.dialog:
    with titled_dialog("Keys") as dialog, box("ax-keys"):
        for key, meaning in _KEYS:
            with box("", "kbd"):
                ui.label(key)
            ui.label(meaning)
    return dialog
