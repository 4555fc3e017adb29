"""What operators read: what was done, by whom, and how each order went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from angel_x.domain.orders.order import OrderStatus, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody did, and what it was done to."""

    id: str
    at: datetime
    actor: str
    #: As in ``order.replayed``.
    action: str
    #: As in ``order:17``, ``user:3`` or ``system``.
    subject: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries to list; None takes all."""

    subject: str | None = None
    #: Done at this time or later.
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Entries, the newest first; ``next`` is the cursor of the page after, None on the last."""

    entries: tuple[AuditEntry, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """One move of an order, with everything that is known about it."""

    at: datetime
    status: OrderStatus
    actor: str
    reason: str | None
    #: Which attempt to place the order it belongs to; zero before the first.
    attempt: int
    #: What changed, or the traceback of a parked order.
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedOrder:
    """An order that could not be decided, and why."""

    order_id: str
    client_order_id: str
    account: str
    symbol: str
    side: Side
    quantity: int
    status: OrderStatus
    parked_at: datetime
    #: The traceback, or how often it was rung for in vain.
    detail: str | None
    #: The order as which it was sent again, None where it was not.
    replayed_as: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A parked order that was sent again."""

    #: The new order.
    order_id: str
    client_order_id: str
    #: The order that was parked.
    replay_of: str
