"""The audit, and replay of parked orders; the key needs the scope admin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

from angel_x.client.connection import Connection, with_query
from angel_x.domain.records.audit import AuditEntry, AuditPage, Replayed


class OperationCalls(Connection):
    """Calls of operators."""

    def audit(
        self, *, subject: str | None = None, since: datetime | None = None, page_size: int = 100
    ) -> Iterator[AuditEntry]:
        """Yield audit entries, the newest first, reading page after page."""
        wanted: dict[str, object] = {"subject": subject, "limit": page_size}
        wanted["since"] = None if since is None else since.isoformat()
        while True:
            page = self._call("GET", with_query("/v1/audit", wanted), AuditPage)
            yield from page.entries
            if page.next is None:
                return
            wanted["cursor"] = page.next

    def replay(self, order_id: str) -> Replayed:
        """Send the content of a parked order again, as a new order of the same account.

        Raises:
            Conflict: It was not parked, or an earlier replay is open or has traded.
        """
        path = f"/v1/orders/{quote(order_id, safe='')}/replay"
        # Not retried: after a first attempt that arrived, a second one is a conflict.
        return self._call("POST", path, Replayed, retries=0)
