"""The kill switch: a state, a reason, a second step, and the answer of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.domain.book.control import ControlScope
from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.order import CLOSED
from angel_x.entrypoints.desk.pages.parts import box, button
from angel_x.entrypoints.desk.views.kill_switch import SCOPES, STATES, outcome, question
from angel_x.errors import ApiError

if TYPE_CHECKING:
    from angel_x.domain.book.control import ControlReceipt
    from angel_x.domain.records.order_record import OrderRecord
    from angel_x.entrypoints.desk.pages.frame import Frame

#: Orders that are read again after a halt, to say how each of them ended.
_MOST_LISTED = 100
_LOOKS = 15
_LOOK_SECONDS = 0.2


class KillSwitch:
    """The dialog of one page."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def open(self) -> None:
        """Begin with the first step."""
        with ui.dialog() as self._dialog, ui.card().classes("ax-card") as self._card:
            self._dialog.props["aria-label"] = "Kill switch"
            self._choose()
        self._dialog.on("hide", self._dialog.delete)
        self._dialog.open()

    def _choose(self, state: TradingState = TradingState.HALTED, reason: str = "") -> None:
        is_admin = self._frame.session.is_admin
        scopes = {s: words for s, words in SCOPES.items() if is_admin or s is ControlScope.USER}
        ui.label("Kill switch").classes("ax-card-title")
        self._state = ui.radio(dict(STATES), value=state).classes("ax-choices")
        self._scope = ui.select(
            scopes, value=ControlScope.SYSTEM if is_admin else ControlScope.USER, label="Of"
        ).classes("ax-field")
        self._reason = (
            ui.input("Reason", value=reason, placeholder="It is kept in the audit")
            .props("maxlength=200 outlined dense")
            .classes("ax-field")
        )
        self._scope.props("outlined dense")
        with box("ax-actions"):
            button("Back", self._dialog.close)
            button("Continue", self._confirm, kind="main")

    def _confirm(self) -> None:
        """Show the second step."""
        state, scope = TradingState(self._state.value), ControlScope(self._scope.value)
        reason = str(self._reason.value or "").strip()
        self._card.clear()
        with self._card:
            ui.label(question(state, scope)).classes("ax-card-title")
            ui.label(STATES[state]).classes("ax-muted")
            ui.label(f"Reason: {reason or 'none given'}")
            with box("ax-actions"):
                button("Back", lambda: self._back(state, reason))
                kind = "main" if state is TradingState.ACTIVE else "danger"

                async def send() -> None:
                    await self._send(state, scope, reason)

                button(question(state, scope).rstrip("?"), send, kind=kind)

    def _back(self, state: TradingState, reason: str) -> None:
        self._card.clear()
        with self._card:
            self._choose(state, reason)

    async def _send(self, state: TradingState, scope: ControlScope, reason: str) -> None:
        client = self._frame.account.client
        self._wait()
        try:
            # What is open before, so that the end of each order can be told afterwards.
            before = await self._frame.call(
                lambda: client.order_page(status="open", page_size=_MOST_LISTED).orders
            )
            receipt = await self._frame.call(
                lambda: client.kill_switch(state, scope=scope, reason=reason or None)
            )
            after = await self._ends(before) if state is not TradingState.ACTIVE else []
        except ApiError as error:
            self._show_refusal(error)
            return
        self._frame.account.hasten()
        self._show_outcome(receipt, after)

    async def _ends(self, before: Sequence[OrderRecord]) -> list[OrderRecord]:
        """Read orders until all are closed, for some seconds at most."""
        client, known = self._frame.account.client, {order.order_id: order for order in before}
        for _ in range(_LOOKS):
            still_open = [each for each in known.values() if each.status not in CLOSED]
            if not still_open:
                break
            for order in await self._frame.call(
                lambda ids: [client.order(each) for each in ids], [o.order_id for o in still_open]
            ):
                known[order.order_id] = order
            await asyncio.sleep(_LOOK_SECONDS)
        return list(known.values())

    def _wait(self) -> None:
        self._card.clear()
        with self._card:
            ui.label("Sent. Waiting for the answer of the server…")

    def _show_refusal(self, error: ApiError) -> None:
        self._card.clear()
        with self._card:
            ui.label("It is not known to be set").classes("ax-card-title ax-loss")
            ui.label(str(error))
            with box("ax-actions"):
                button("Close", self._dialog.close)

    def _show_outcome(self, receipt: ControlReceipt, orders: Sequence[OrderRecord]) -> None:
        told = outcome(receipt, orders)
        self._card.clear()
        with self._card:
            ui.label(told.title).classes("ax-card-title")
            for line in told.lines:
                ui.label(line)
            with box("ax-actions"):
                button("Close", self._dialog.close, kind="main")
