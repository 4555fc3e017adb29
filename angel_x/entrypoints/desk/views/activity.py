"""Events of the stream in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from angel_x.domain.orders.order import OrderStatus
from angel_x.domain.records.live_event import StreamEvent
from angel_x.entrypoints.desk.views.orders import status_text
from angel_x.entrypoints.desk.views.words import price, units

_STATES = frozenset({"portfolio"})


def is_shown(event: StreamEvent) -> bool:
    """Return whether an event is news rather than a state."""
    return event.kind not in _STATES


def line(event: StreamEvent) -> tuple[str, str]:
    """Return the words of an event and their tone."""
    body: dict[str, Any] = event.body
    if event.kind == "order":
        return _order(body)
    if event.kind == "trading_state":
        reason = f": {body['reason']}" if body.get("reason") else ""
        return (
            f"Trading of {body.get('scope')} {body.get('name')} is {body.get('state')}{reason}",
            "",
        )
    if event.kind == "gap":
        return "Events are missing here; the tables below were read again.", "ax-warning"
    words = ", ".join(f"{name} {value}" for name, value in body.items() if value is not None)
    return f"{event.kind.replace('_', ' ')}: {words}", ""


def _order(body: dict[str, Any]) -> tuple[str, str]:
    status = status_text(OrderStatus(body["status"]))
    words = f"{body['side']} {units(body['quantity'])} {body['symbol']}: {status.text}"
    if body.get("filled_quantity"):
        average = body.get("average_price")
        paid = "" if average is None else f" at {price(Decimal(average))}"
        words += f", {units(body['filled_quantity'])} traded{paid}"
    if body.get("reason"):
        words += f" ({body['reason']})"
    return words, status.tone.value
