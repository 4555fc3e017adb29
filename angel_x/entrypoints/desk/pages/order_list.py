"""The orders of an account, page by page from the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.entrypoints.desk.elements.live_table import Empty, LiveTable
from angel_x.entrypoints.desk.pages.order_dialogs import confirm, modify_order, show_order
from angel_x.entrypoints.desk.pages.page_turner import PageTurner
from angel_x.entrypoints.desk.pages.parts import box, button, heading
from angel_x.entrypoints.desk.reading import ApiReading
from angel_x.entrypoints.desk.views.orders import CANCEL, COLUMNS, order_rows, status_text
from angel_x.entrypoints.desk.views.paging import page_of
from angel_x.entrypoints.desk.views.words import units

if TYPE_CHECKING:
    from angel_x.domain.records.order_record import OrderPage
    from angel_x.entrypoints.desk.pages.frame import Frame

_PAGE = 50
#: Seconds between two looks for moves, and between two readings without any.
_LOOK_SECONDS = 0.25
_LOOKS_WITHOUT_MOVE = 8
_SHOWN = {
    "open": "Open",
    "": "All",
    "filled": "Filled",
    "canceled": "Canceled",
    "denied": "Denied",
    "expired": "Expired",
}


class OrderList:
    """Orders of one status, with their buttons."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._turner = PageTurner(self._read)
        self._reading: ApiReading[OrderPage] = ApiReading()
        self._moves = -1
        self._looks = 0
        self._is_reading = False
        with box("ax-section", "section"):
            self._draw_bar()
            self._table = LiveTable(
                COLUMNS,
                caption="Orders, the newest first",
                empty=Empty(
                    "No orders of this kind.",
                    "Pick another status above, or send an order from the page Chain.",
                ),
                source="orders",
                on_act=self._act,
                on_open=self._open,
            )
        ui.timer(_LOOK_SECONDS, self._look)

    def _draw_bar(self) -> None:
        with box("ax-bar"):
            heading("Orders", "orders")
            self._status = (
                ui.toggle(_SHOWN, value="open", on_change=self._turner.turn_to_first)
                .props("unelevated no-caps dense")
                .classes("ax-toggle")
            )
            with box("ax-actions"):
                self._turner.draw()
                if self._frame.session.may_trade:
                    button("Cancel all", self._ask_cancel_all, kind="danger")

    async def _look(self) -> None:
        self._looks += 1
        has_moved = self._moves != self._frame.account.order_moves
        if (has_moved or self._looks >= _LOOKS_WITHOUT_MOVE) and not self._is_reading:
            await self._read()

    async def _read(self) -> None:
        account, pager, status = self._frame.account, self._turner.pager, str(self._status.value)
        self._is_reading, self._looks, self._moves = True, 0, account.order_moves

        def read() -> OrderPage:
            return page_of(
                lambda cursor: account.client.order_page(
                    status=status or None, cursor=cursor, page_size=_PAGE
                ),
                pager.cursor,
            )

        try:
            found = await self._frame.attempt(self._reading.again, read, account.clock)
        finally:
            self._is_reading = False
        if found is not None and (pager, status) == (self._turner.pager, str(self._status.value)):
            self._show(found)

    def _show(self, reading: ApiReading[OrderPage]) -> None:
        self._reading = self._frame.readings["orders"] = reading
        if (page := reading.value) is None:
            return
        self._table.show(order_rows(page.orders, may_trade=self._frame.session.may_trade))
        self._turner.show(page.next)

    async def _open(self, order_id: str) -> None:
        with self._frame.content:
            await show_order(self._frame, order_id)

    def _act(self, order_id: str, act: str) -> None:
        page = self._reading.value
        order = next((o for o in page.orders if o.order_id == order_id), None) if page else None
        if order is None:
            return
        if act != CANCEL:
            modify_order(self._frame, order)
            return

        async def cancel() -> None:
            after = await self._frame.attempt(self._frame.account.client.cancel, order_id)
            if after is not None:
                ui.notify(f"{after.symbol}: {status_text(after.status).text}", type="info")
            await self._read()

        left = units(order.quantity - order.filled_quantity)
        title = f"Cancel {order.side} {left} {order.symbol}?"
        confirm(self._frame, title, "Units that have traded stay traded.", "Cancel order", cancel)

    def _ask_cancel_all(self) -> None:
        async def cancel_all() -> None:
            ended = await self._frame.attempt(self._frame.account.client.cancel_all)
            if ended is not None:
                done = sum(record.canceled for record in ended)
                late = len(ended) - done
                rest = f", {units(late)} had closed before" if late else ""
                ui.notify(f"{units(done)} orders canceled{rest}", type="info")
            await self._read()

        confirm(
            self._frame,
            "Cancel all open orders?",
            "Of this account, on every page of this list. Positions stay.",
            "Cancel all",
            cancel_all,
        )
