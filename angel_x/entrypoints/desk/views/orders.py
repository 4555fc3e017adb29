"""Orders, their timeline and their changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from angel_x.domain.orders.order import OPEN, REFUSED, OrderStatus, OrderType, Side
from angel_x.domain.records.order_record import EventRecord, FillRecord, OrderHistory, OrderRecord
from angel_x.entrypoints.desk.views.table import Cell, Column, Row, cell
from angel_x.entrypoints.desk.views.words import (
    Text,
    Tone,
    price,
    stamp,
    status_words,
    units,
)

CANCEL = "Cancel"
MODIFY = "Modify"

COLUMNS = (
    Column(name="at", label="Accepted", title="Time in India", is_text=True, is_vital=False),
    Column(name="symbol", label="Contract", is_text=True),
    Column(name="side", label="Side", is_text=True),
    Column(name="filled", label="Filled", title="Units traded, of all"),
    Column(name="price", label="Price", title="Limit, and trigger of a stop; rupees a unit"),
    Column(name="average", label="Average", title="Rupees a unit over all fills"),
    Column(name="status", label="Status", is_text=True),
    Column(name="note", label="Note", title="Reason and tag", is_text=True, is_vital=False),
)
_TONES = {
    OrderStatus.FILLED: Tone.GAIN,
    OrderStatus.CANCELED: Tone.MUTED,
    OrderStatus.EXPIRED: Tone.MUTED,
    OrderStatus.PARTIALLY_FILLED: Tone.WARNING,
}


def order_rows(orders: Iterable[OrderRecord], *, may_trade: bool) -> list[Row]:
    """Return the rows of orders; only open ones of a key that trades can be acted on."""
    return [
        Row(
            id=order.order_id,
            cells=_cells(order),
            acts=(MODIFY, CANCEL) if may_trade and order.status in OPEN else (),
        )
        for order in orders
    ]


def _cells(order: OrderRecord) -> tuple[Cell, ...]:
    return (
        cell(stamp(order.accepted_at), order.accepted_at.timestamp()),
        order.symbol,
        cell(side_text(order.side)),
        cell(f"{units(order.filled_quantity)} / {units(order.quantity)}", order.quantity),
        cell(order_price(order), float(order.price or 0)),
        cell(price(order.average_price), float(order.average_price or 0)),
        cell(status_text(order.status)),
        note_of(order),
    )


def side_text(side: Side) -> Text:
    return Text("▲ BUY", Tone.GAIN) if side is Side.BUY else Text("▼ SELL", Tone.LOSS)


def status_text(status: OrderStatus) -> Text:
    tone = Tone.LOSS if status in REFUSED else _TONES.get(status, Tone.PLAIN)
    return Text(status_words(status), tone)


def order_price(order: OrderRecord) -> str:
    """Return the limit, behind the trigger of a stop."""
    if order.order_type is OrderType.MARKET:
        return "market"
    limit = price(order.price)
    return limit if order.trigger_price is None else f"{price(order.trigger_price)} → {limit}"


def note_of(order: OrderRecord) -> str:
    """Return reason, tag and the basket of an order."""
    basket = f"basket {order.basket_id}" if order.basket_id else None
    return " · ".join(filter(None, (order.reason, order.tag, basket)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of a timeline."""

    at: str
    title: Text
    detail: str


def timeline(order: OrderHistory) -> list[Moment]:
    """Return events and fills of an order, oldest first."""
    lines = [(event.at, 0, _of_event(event)) for event in order.events]
    lines += [(fill.at, 1, _of_fill(fill)) for fill in order.fills]
    return [moment for _, _, moment in sorted(lines, key=lambda line: line[:2])]


def _of_event(event: EventRecord) -> Moment:
    words = [f"by {event.actor}", event.reason, event.detail]
    if event.attempt:
        words.append(f"attempt {event.attempt}")
    return Moment(
        at=stamp(event.at),
        title=status_text(event.status),
        detail=" · ".join(filter(None, words)),
    )


def _of_fill(fill: FillRecord) -> Moment:
    return Moment(
        at=stamp(fill.at),
        title=Text(f"{units(fill.quantity)} at {price(fill.price)}", Tone.GAIN),
        detail=f"execution {fill.execution_id}",
    )
