"""Orders that could not be decided: their tracebacks, and sending them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.entrypoints.desk.elements.live_table import Empty, LiveTable
from angel_x.entrypoints.desk.pages.order_dialogs import confirm
from angel_x.entrypoints.desk.pages.parts import box, button, heading, titled_dialog
from angel_x.entrypoints.desk.reading import ApiReading
from angel_x.entrypoints.desk.views.operations import PARKED, REPLAY, parked_rows
from angel_x.entrypoints.desk.views.words import units

if TYPE_CHECKING:
    from angel_x.domain.records.audit import ParkedOrder, ParkedOrderList
    from angel_x.entrypoints.desk.pages.frame import Frame

_SOURCE = "parked"
_LOOK_SECONDS = 3.0
_NONE = Empty("No parked orders.", "An order is parked after a bounded number of failed attempts.")


class ParkedOrders:
    """Parked orders of all accounts."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._reading: ApiReading[ParkedOrderList] = ApiReading()
        self._is_reading = False
        with box("ax-section", "section"):
            with box("ax-bar"):
                heading("Parked orders", _SOURCE)
                with box("ax-actions"):
                    self._also_replayed = ui.checkbox("Also those sent again", on_change=self._look)
            self._table = LiveTable(
                PARKED,
                caption="Orders that could not be decided, the newest first",
                empty=_NONE,
                source=_SOURCE,
                on_act=self._ask,
                on_open=self._open,
            )
        ui.timer(_LOOK_SECONDS, self._look)

    async def _look(self) -> None:
        if self._is_reading:
            return
        self._is_reading = True
        account, replayed = self._frame.account, bool(self._also_replayed.value)
        try:
            found = await self._frame.attempt(
                self._reading.again,
                lambda: account.client.parked_orders(replayed=replayed),
                account.clock,
            )
        finally:
            self._is_reading = False
        if found is not None:
            self._reading = self._frame.readings[_SOURCE] = found
            self._table.show(parked_rows(found.value.orders if found.value else ()))

    def _found(self, order_id: str) -> ParkedOrder | None:
        orders = self._reading.value.orders if self._reading.value else ()
        return next((order for order in orders if order.order_id == order_id), None)

    def _open(self, order_id: str) -> None:
        if (order := self._found(order_id)) is None:
            return
        title = f"{order.side} {units(order.quantity)} {order.symbol}"
        with self._frame.content, titled_dialog(title, "ax-wide") as dialog:
            ui.label(f"Order {order.order_id} of {order.account}, {order.client_order_id}").classes(
                "ax-muted"
            )
            with box("ax-traceback", "pre"):
                ui.label(order.detail or "Nothing was written down.")
            with box("ax-actions"):
                button("Close", dialog.close, kind="main")
        dialog.on("hide", dialog.delete)
        dialog.open()

    def _ask(self, order_id: str, act: str) -> None:
        order = self._found(order_id)
        if order is None or act != REPLAY:
            return

        async def send() -> None:
            sent = await self._frame.attempt(self._frame.account.client.replay, order_id)
            if sent is not None:
                ui.notify(f"Order {order_id} was sent again as {sent.order_id}", type="positive")
            await self._look()

        confirm(
            self._frame,
            f"Send {order.side} {units(order.quantity)} {order.symbol} of {order.account} again?",
            "As a new order of the same content, valid until the next close. It may trade.",
            REPLAY,
            send,
        )
