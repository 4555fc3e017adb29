"""Dialogs about one order: its timeline, its amendment, its cancellation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.entrypoints.desk.pages.parts import box, button, show_faults, titled_dialog
from angel_x.entrypoints.desk.views.amendment import WantedAmendment, amendment
from angel_x.entrypoints.desk.views.orders import (
    note_of,
    order_price,
    status_text,
    timeline,
)
from angel_x.entrypoints.desk.views.words import price, units
from angel_x.errors import ApiError

if TYPE_CHECKING:
    from angel_x.domain.records.order_record import OrderHistory, OrderRecord
    from angel_x.entrypoints.desk.pages.frame import Frame


async def show_order(frame: Frame, order_id: str) -> None:
    """Show an order with every event and fill."""
    order = await frame.attempt(frame.account.client.order, order_id)
    if order is None:
        return
    title = f"{order.side} {units(order.quantity)} {order.symbol}"
    with titled_dialog(title, "ax-wide") as dialog:
        _draw_order(order)
        with box("ax-actions"):
            button("Close", dialog.close, kind="main")
    dialog.on("hide", dialog.delete)
    dialog.open()


def _draw_order(order: OrderHistory) -> None:
    status = status_text(order.status)
    with box("ax-pairs"):
        for name, value in (
            ("Status", status.text),
            ("Price", f"{order_price(order)}, {order.order_type}, {order.validity}"),
            ("Product", f"{order.product}, priority {order.priority}"),
            ("Filled", f"{units(order.filled_quantity)} at {price(order.average_price)}"),
            ("Id", f"{order.order_id}, of the client {order.client_order_id}"),
            ("Note", note_of(order) or "none"),
        ):
            ui.label(name).classes("ax-muted")
            ui.label(value)
    with box("ax-timeline", "ol"):
        for moment in timeline(order):
            with box("", "li"):
                ui.label(moment.at).classes("ax-time")
                ui.label(moment.title.text).classes(f"ax-event {moment.title.tone}")
                ui.label(moment.detail).classes("ax-muted")
    if order.slices:
        ui.label(f"{len(order.slices)} slices").classes("ax-muted")


def modify_order(frame: Frame, order: OrderRecord) -> None:
    """Ask for a new price, trigger or quantity, and show the faults beside their fields."""
    with titled_dialog(f"Modify {order.side} {order.symbol}") as dialog:
        fields = _fields(order)
        problem = ui.label().classes("ax-problem").props("role=alert")

        async def send() -> None:
            wanted = amendment(order, {name: str(f.value or "") for name, f in fields.items()})
            if isinstance(wanted, str):
                problem.set_text(wanted)
                return
            if await _amend(frame, order, wanted, fields, problem):
                dialog.close()

        with box("ax-actions"):
            button("Back", dialog.close)
            button("Send the change", send, kind="main")
    dialog.on("hide", dialog.delete)
    dialog.open()


def _fields(order: OrderRecord) -> dict[str, ui.input]:
    given = {"quantity": str(order.quantity), "price": str(order.price or "")}
    if order.trigger_price is not None:
        given["trigger_price"] = str(order.trigger_price)
    labels = {
        "quantity": "Units in all",
        "price": "Limit price, rupees",
        "trigger_price": "Trigger price, rupees",
    }
    return {
        name: ui.input(labels[name], value=value)
        .props("outlined dense inputmode=decimal")
        .classes("ax-field")
        for name, value in given.items()
    }


async def _amend(
    frame: Frame,
    order: OrderRecord,
    wanted: WantedAmendment,
    fields: dict[str, ui.input],
    problem: ui.label,
) -> bool:
    client = frame.account.client
    try:
        changed = await frame.call(
            lambda: client.modify(
                order.order_id,
                price=wanted.price,
                trigger_price=wanted.trigger_price,
                quantity=wanted.quantity,
            )
        )
    except ApiError as error:
        problem.set_text(show_faults(error, fields))
        return False
    ui.notify(
        f"Order {changed.order_id}: {units(changed.quantity)} at {order_price(changed)}, "
        f"{status_text(changed.status).text}",
        type="positive",
    )
    return True


def confirm(
    frame: Frame, title: str, detail: str, act: str, send: Callable[[], Awaitable[None]]
) -> None:
    """Ask before something is sent; the dialog closes, and ``send`` reports for itself."""
    with titled_dialog(title) as dialog:
        ui.label(detail).classes("ax-muted")
        with box("ax-actions"):
            button("Back", dialog.close)

            async def proceed() -> None:
                dialog.close()
                with frame.content:
                    await send()

            button(act, proceed, kind="danger")
    dialog.on("hide", dialog.delete)
    dialog.open()
