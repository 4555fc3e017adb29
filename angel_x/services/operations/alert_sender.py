"""Sends the notices of the outbox: each at least once, outside of transactions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from angel_x.domain.operations.alert_target import NoticeClaim
from angel_x.domain.operations.metric import Metric
from angel_x.domain.operations.notice import Notification, notification
from angel_x.domain.orders.step import Passing, Step
from angel_x.errors import AlertsOff, NoticeNotSent
from angel_x.services.ports import Meter

log = structlog.get_logger()

#: Seconds after which a call claims no more; a task has fifteen, and one sending takes eight at most.
_BUDGET_SECONDS = 5.0


class AlertOutbox(Protocol):
    def claim(self) -> NoticeClaim | None:
        """Claim the due notices of one target, under a lease; None where there are none."""

    def sent(self, claim: NoticeClaim) -> None: ...
    def failed(self, claim: NoticeClaim, error: str) -> int:
        """Record a failed attempt; return how many notices are given up after it."""


class Services(Protocol):
    """Services that reach people."""

    def send(self, address: str, text: Notification) -> None:
        """Send a text, or raise :class:`NoticeNotSent`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSender:
    """Sends due notices.  A second call sends those that have become due since."""

    outbox: AlertOutbox
    services: Services
    #: Opens a sealed address.
    opened: Callable[[bytes], str]
    meter: Meter
    at: Passing
    monotonic: Callable[[], float]

    def send_due(self) -> int:
        """Send the due notices of one target after the other, for some seconds; return the notifications."""
        ends_at, sent = self.monotonic() + _BUDGET_SECONDS, 0
        while self.monotonic() < ends_at and (claim := self.outbox.claim()):
            self.at(Step.ALERTS_CLAIMED)
            self._count("dead", claim.given_up)
            sent += bool(claim.notices) and self._sent(claim)
        return sent

    def _sent(self, claim: NoticeClaim) -> bool:
        text = notification([(each.topic, each.text) for each in claim.notices])
        try:
            self.services.send(self.opened(claim.address), text)
        except (NoticeNotSent, AlertsOff) as error:
            self._failed(claim, str(error))
            return False
        self.at(Step.ALERTS_SENT)
        self.outbox.sent(claim)
        self._count("sent", len(claim.notices))
        return True

    def _failed(self, claim: NoticeClaim, error: str) -> None:
        dead = self.outbox.failed(claim, error)
        log.warning("alert.unsent", notices=len(claim.notices), dead=dead, error=error)
        self._count("failed", len(claim.notices))
        self._count("dead", dead)

    def _count(self, outcome: str, notices: int) -> None:
        if notices:
            self.meter.add(Metric.ALERT_NOTICES, notices, outcome=outcome)
