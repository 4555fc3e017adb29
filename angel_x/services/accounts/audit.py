"""The audit, and the timeline of any order, for operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from angel_x.domain.records import cursor
from angel_x.domain.records.audit import AuditEntry, AuditFilter, AuditPage, TimelineEvent
from angel_x.errors import UnknownOrder

#: Where the newest page starts: above every id.
_NEWEST = 2**63 - 1


class Record(Protocol):
    """The store of audit entries and order events."""

    def entries(self, wanted: AuditFilter, before_id: int, limit: int) -> Sequence[AuditEntry]: ...
    def timeline(self, order_id: int) -> Sequence[TimelineEvent]: ...


class Audit:
    """Reads the audit, which is append-only."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def entries(self, wanted: AuditFilter, *, after: str | None, limit: int) -> AuditPage:
        """Return a page of entries, the newest first.

        Raises:
            InvalidCursor: ``after`` is not the cursor of an earlier page.
        """
        before_id = _NEWEST if after is None else cursor.decode(after)
        # One more than the limit shows whether there is another page.
        found = self._record.entries(wanted, before_id, limit + 1)
        page = tuple(found[:limit])
        more = len(found) > limit
        return AuditPage(entries=page, next=cursor.encode(int(page[-1].id)) if more else None)

    def timeline(self, order_id: int) -> tuple[TimelineEvent, ...]:
        """Return every status change of an order of any account, the oldest first.

        Raises:
            UnknownOrder: No order has the id.
        """
        events = tuple(self._record.timeline(order_id))
        if not events:
            raise UnknownOrder(order_id)
        return events
