"""Records for operators: audit entries, the timeline of an order, parked orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from angel_x.domain.orders.order import OrderStatus, Priority, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One action with its actor and its subject."""

    id: str
    at: datetime
    actor: str
    #: As in ``order.replayed``.
    action: str
    #: As in ``order:17``, ``user:demo`` or ``system``.
    subject: str
    #: The id of the account that is the subject.
    user_id: int | None = None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Filter of audit entries; a field that is None takes all."""

    subject: str | None = None
    #: At this time or later.
    since: datetime | None = None
    #: A part of actor, action, subject or detail, in any case.
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Entries, the newest first; ``next`` is the cursor of the page after, None on the last."""

    entries: tuple[AuditEntry, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """One status change of an order with actor, reason, attempt and detail."""

    at: datetime
    status: OrderStatus
    actor: str
    reason: str | None
    #: The number of the attempt to place the order; zero before the first.
    attempt: int
    #: The amended fields, or the traceback of a parked order.
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedOrder:
    """An order that could not be decided, with the cause."""

    order_id: str
    client_order_id: str
    account: str
    symbol: str
    side: Side
    quantity: int
    status: OrderStatus
    parked_at: datetime
    #: The traceback, or the number of rings that led to no decision.
    detail: str | None
    #: The id of its replay, None where it was not replayed.
    replayed_as: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedOrderList:
    """Parked orders, the newest first."""

    orders: tuple[ParkedOrder, ...]
    #: The number of all that were not sent again.
    waiting: int


@dataclass(frozen=True, slots=True)
class ReplayCandidate:
    """An order to replay, with the state of earlier replays."""

    id: int
    client_order_id: str
    priority: Priority
    is_parked: bool
    #: Whether a basket or a square-off sent it, which would not recognize a replay.
    is_of_workflow: bool
    #: The number of earlier replays.
    replays: int
    #: An earlier replay that is open or has traded, None without one.
    living: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The receipt of a replay."""

    #: The new order.
    order_id: str
    client_order_id: str
    #: The order that was parked.
    replay_of: str
