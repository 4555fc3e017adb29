"""Alerts that one look at the system can raise, with the limits of the rules for Prometheus.

Rules that need a history, such as a rate over an hour, are Prometheus' alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from angel_x.domain.operations.metric import Metric


class Severity(StrEnum):
    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A limit of a metric, for each value of its label."""

    alert: str
    severity: Severity
    metric: Metric
    limit: float
    #: Whether values below the limit raise the alert, and not those above it.
    is_floor: bool = False
    #: The only value of the label that counts, or all.
    only: str | None = None
    without: str | None = None

    def concerns(self, subject: str) -> bool:
        """Return whether the rule has a limit for this value of the label."""
        return self.only in {None, subject} and subject != self.without

    def is_broken(self, value: float) -> bool:
        return value < self.limit if self.is_floor else value > self.limit


@dataclass(frozen=True, slots=True)
class RaisedAlert:
    alert: str
    severity: Severity
    #: The value of the metric's label, empty where it has none.
    subject: str
    value: float
    limit: float


_CRITICAL, _WARNING = Severity.CRITICAL, Severity.WARNING
_LOW_LANE = "orders.low"
RULES = (
    AlertRule("ServerAway", _CRITICAL, Metric.SERVER_UP, 1, is_floor=True),
    AlertRule("ProcessesMissing", _CRITICAL, Metric.PROCESSES, 1, is_floor=True),
    AlertRule("BrokerNearlyFull", _CRITICAL, Metric.REDIS_MEMORY_RATIO, 0.8, only="broker"),
    AlertRule("PoolExhausted", _CRITICAL, Metric.DB_CONNECTIONS_RATIO, 0.9),
    AlertRule("DiskNearlyFull", _CRITICAL, Metric.DISK_FREE_RATIO, 0.1, is_floor=True),
    AlertRule("OrdersStalled", _CRITICAL, Metric.QUEUE_OLDEST_SECONDS, 30, without=_LOW_LANE),
    AlertRule("OrdersStalled", _CRITICAL, Metric.QUEUE_OLDEST_SECONDS, 300, only=_LOW_LANE),
    AlertRule("OrdersOverdue", _CRITICAL, Metric.OLDEST_DUE_ORDER_SECONDS, 30),
    AlertRule("LeasesExpired", _CRITICAL, Metric.EXPIRED_LEASES, 0),
    AlertRule("WorkflowsOverdue", _CRITICAL, Metric.WORKFLOWS_DUE, 0),
    AlertRule("QueueNotHeardFrom", _CRITICAL, Metric.CANARY_AGE_SECONDS, 60),
    AlertRule("ScheduleLate", _CRITICAL, Metric.SCHEDULE_LATE_SECONDS, 60),
    AlertRule("InvariantBroken", _CRITICAL, Metric.INVARIANTS_BROKEN, 0),
    AlertRule("BrokerDiffers", _CRITICAL, Metric.BROKER_DIFFERENCES, 0),
    AlertRule("ReconciliationOld", _CRITICAL, Metric.RECONCILIATION_AGE_SECONDS, 300),
    AlertRule("ProofOld", _WARNING, Metric.PROOF_AGE_SECONDS, 3_600, only="changes"),
    AlertRule("ProofOld", _WARNING, Metric.PROOF_AGE_SECONDS, 259_200, only="full"),
    AlertRule("ScheduleEntryPutAside", _WARNING, Metric.SCHEDULE_ENTRIES_ASIDE, 0),
    AlertRule("OrdersParked", _WARNING, Metric.PARKED_ORDERS, 0),
    AlertRule("BackupOld", _WARNING, Metric.BACKUP_AGE_SECONDS, 93_600),
    AlertRule("GreeksOld", _WARNING, Metric.GREEKS_AGE_SECONDS, 20),
    AlertRule("CalendarEnds", _WARNING, Metric.CALENDAR_DAYS_LEFT, 32, is_floor=True),
    AlertRule("CertificateEnds", _WARNING, Metric.CERTIFICATE_DAYS_LEFT, 14, is_floor=True),
)


def raised(readings: Mapping[Metric, Mapping[str, float]]) -> list[RaisedAlert]:
    """Return the alerts of readings by metric and label, critical ones first.

    A metric without a reading raises nothing: its server is away, which has an alert of its own.
    """
    found = [
        RaisedAlert(rule.alert, rule.severity, subject, value, rule.limit)
        for rule in RULES
        for subject, value in readings.get(rule.metric, {}).items()
        if rule.concerns(subject) and rule.is_broken(value)
    ]
    return sorted(found, key=lambda each: each.severity is not Severity.CRITICAL)
