"""Targets of alerts and their notices."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

import msgspec

from angel_x.client.connection import Connection, with_query
from angel_x.domain.operations.alert_target import (
    NoticeCount,
    NoticeList,
    NoticeStatus,
    NoticeView,
    TargetList,
    TargetView,
)
from angel_x.domain.operations.notice import Topic


class AlertCalls(Connection):
    """Alerts of the account; those of another, or of the operators, need the scope admin."""

    def alert_targets(
        self, *, user: str | None = None, operators: bool = False
    ) -> tuple[TargetView, ...]:
        """Return the targets by name, without their addresses."""
        path = _path("targets", user, operators=operators)
        return self._call("GET", path, TargetList).targets

    def set_alert_target(
        self,
        name: str,
        url: str,
        *,
        topics: Iterable[Topic | str] = (),
        quiet_hours: str | None = None,
        user: str | None = None,
        operators: bool = False,
    ) -> TargetView:
        """Add or replace a target; ``url`` is an address such as ``tgram://BOT-TOKEN/CHAT-ID``.

        Args:
            name: Unique in its account.
            url: It is stored encrypted and never shown again.
            topics: By default all that concern the owner.
            quiet_hours: As in ``22:30-07:00``, Indian time.
            user: The owner, by default the account of the key.
            operators: The target is one of the operators.

        Raises:
            InvalidRequest: A value is unknown, or the service has no fixed host and the key no scope admin.
        """
        body = {"url": url, "topics": list(topics), "quiet_hours": quiet_hours}
        path = _path(f"targets/{quote(name, safe='')}", user, operators=operators)
        return self._call("PUT", path, TargetView, body=msgspec.json.encode(body))

    def remove_alert_target(
        self, name: str, *, user: str | None = None, operators: bool = False
    ) -> tuple[TargetView, ...]:
        """Remove a target with its notices; return those that are left."""
        path = _path(f"targets/{quote(name, safe='')}", user, operators=operators)
        # Not retried: after a first attempt that arrived, a second one finds no target.
        return self._call("DELETE", path, TargetList, retries=0).targets

    def test_alerts(
        self, name: str | None = None, *, user: str | None = None, operators: bool = False
    ) -> int:
        """Send a test to one target or to all; return the number of notices."""
        path = _path("test", user, operators=operators, name=name)
        # Not retried: a second attempt would send a second test.
        return self._call("POST", path, NoticeCount, retries=0).notices

    def alert_notices(
        self,
        status: NoticeStatus | str | None = None,
        *,
        user: str | None = None,
        operators: bool = False,
    ) -> tuple[NoticeView, ...]:
        """Return the notices of the last thirty days, the newest first, at most 200."""
        path = _path("notices", user, operators=operators, status=status)
        return self._call("GET", path, NoticeList).notices

    def retry_alerts(self, *, user: str | None = None, operators: bool = False) -> int:
        """Let the dead notices be sent again; return their number."""
        # Not retried: after a first attempt that arrived, a second one finds no dead notice.
        path = _path("retry", user, operators=operators)
        return self._call("POST", path, NoticeCount, retries=0).notices


def _path(route: str, user: str | None, *, operators: bool, **wanted: object) -> str:
    scope = "operators" if operators else None
    return with_query(f"/v1/alerts/{route}", {"user": user, "scope": scope, **wanted})
