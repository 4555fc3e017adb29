"""The machine, the audit, and parked orders; the key needs the scope admin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

from angel_x.client.connection import Connection, with_query
from angel_x.domain.operations.machine import MachineState
from angel_x.domain.records.audit import AuditEntry, AuditPage, ParkedOrderList, Replayed


class OperationCalls(Connection):
    """Calls of operators."""

    def machine(self) -> MachineState:
        """Return queues, workers, times, schedule, proofs and alerts, as of the last two seconds."""
        return self._call("GET", "/v1/machine", MachineState)

    def audit(
        self,
        *,
        subject: str | None = None,
        since: datetime | None = None,
        text: str | None = None,
        page_size: int = 100,
    ) -> Iterator[AuditEntry]:
        """Yield audit entries, the newest first, reading page after page."""
        cursor = None
        while True:
            page = self.audit_page(
                subject=subject, since=since, text=text, cursor=cursor, page_size=page_size
            )
            yield from page.entries
            if page.next is None:
                return
            cursor = page.next

    def audit_page(
        self,
        *,
        subject: str | None = None,
        since: datetime | None = None,
        text: str | None = None,
        cursor: str | None = None,
        page_size: int = 100,
    ) -> AuditPage:
        """Return a page of audit entries; with a ``text`` it may be short and have a ``next``."""
        wanted = {
            "subject": subject,
            "limit": page_size,
            "since": None if since is None else since.isoformat(),
            "text": text,
            "cursor": cursor,
        }
        return self._call("GET", with_query("/v1/audit", wanted), AuditPage)

    def parked_orders(self, *, replayed: bool = False) -> ParkedOrderList:
        """Return the newest orders that could not be decided, by default those not sent again."""
        wanted = {"replayed": "true" if replayed else None}
        return self._call("GET", with_query("/v1/parked-orders", wanted), ParkedOrderList)

    def replay(self, order_id: str) -> Replayed:
        """Send the content of a parked order again, as a new order of the same account.

        Raises:
            Conflict: It was not parked, or an earlier replay is open or has traded.
        """
        path = f"/v1/orders/{quote(order_id, safe='')}/replay"
        # Not retried: after a first attempt that arrived, a second one is a conflict.
        return self._call("POST", path, Replayed, retries=0)
