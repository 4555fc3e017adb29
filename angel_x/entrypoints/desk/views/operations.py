"""Parked orders and the audit as tables."""

from __future__ import annotations

from collections.abc import Iterable

from angel_x.domain.records.audit import AuditEntry, ParkedOrder
from angel_x.entrypoints.desk.views.orders import side_text
from angel_x.entrypoints.desk.views.table import Column, Row, cell
from angel_x.entrypoints.desk.views.words import NONE, stamp, units

REPLAY = "Send again"

PARKED = (
    Column(name="at", label="Parked", title="Time in India", is_text=True),
    Column(name="account", label="Account", is_text=True),
    Column(name="symbol", label="Contract", is_text=True),
    Column(name="side", label="Side", is_text=True),
    Column(name="quantity", label="Units"),
    Column(name="cause", label="Cause", title="The last line of the traceback", is_text=True),
    Column(name="replayed", label="Sent again as", is_text=True, is_vital=False),
)
AUDIT = (
    Column(name="at", label="At", title="Time in India", is_text=True),
    Column(name="action", label="Action", is_text=True),
    Column(name="subject", label="Subject", is_text=True),
    Column(name="actor", label="Actor", is_text=True),
    Column(name="detail", label="Detail", is_text=True),
)
_LONGEST = 90


def parked_rows(orders: Iterable[ParkedOrder]) -> list[Row]:
    """Return the rows of parked orders; those that were sent again have no button."""
    return [
        Row(
            id=order.order_id,
            cells=(
                cell(stamp(order.parked_at), order.parked_at.timestamp()),
                order.account,
                order.symbol,
                cell(side_text(order.side)),
                cell(units(order.quantity), order.quantity),
                cause(order),
                order.replayed_as or NONE,
            ),
            acts=() if order.replayed_as else (REPLAY,),
        )
        for order in orders
    ]


def cause(order: ParkedOrder) -> str:
    """Return the last line of the traceback."""
    lines = (order.detail or "").strip().splitlines()
    return _cut(lines[-1].strip()) if lines else NONE


def audit_rows(entries: Iterable[AuditEntry]) -> list[Row]:
    return [
        Row(
            id=entry.id,
            cells=(
                cell(stamp(entry.at), entry.at.timestamp()),
                entry.action,
                entry.subject,
                entry.actor,
                detail(entry) or NONE,
            ),
        )
        for entry in entries
    ]


def detail(entry: AuditEntry) -> str:
    """Return the detail of an entry as names and values."""
    known = (f"{name} {value}" for name, value in entry.detail.items() if value is not None)
    return _cut(", ".join(known))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
