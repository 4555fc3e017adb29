from __future__ import annotations

import math

import pytest

from angel_x.domain.operations.alert import RULES, Severity, raised
from angel_x.domain.operations.metric import Metric


def names(readings: dict[Metric, dict[str, float]]) -> list[tuple[str, str]]:
    return [(alert.alert, alert.subject) for alert in raised(readings)]


def test_a_system_within_all_limits_raises_nothing() -> None:
    readings = {
        rule.metric: {rule.only or "": rule.limit} for rule in RULES if rule.only != "orders.low"
    }

    assert names(readings) == []
    assert names({}) == []


@pytest.mark.parametrize(
    ("metric", "subject", "value", "alert"),
    [
        (Metric.SERVER_UP, "cache", 0, "ServerAway"),
        (Metric.PROCESSES, "relay", 0, "ProcessesMissing"),
        (Metric.QUEUE_OLDEST_SECONDS, "orders.high", 31, "OrdersStalled"),
        (Metric.QUEUE_OLDEST_SECONDS, "orders.low", 301, "OrdersStalled"),
        (Metric.SCHEDULE_LATE_SECONDS, "expiry", math.inf, "ScheduleLate"),
        (Metric.GREEKS_AGE_SECONDS, "", 20.1, "GreeksOld"),
        (Metric.CALENDAR_DAYS_LEFT, "", 31, "CalendarEnds"),
        (Metric.CERTIFICATE_DAYS_LEFT, "broker", 13.9, "CertificateEnds"),
        (Metric.INVARIANTS_BROKEN, "changes", 1, "InvariantBroken"),
        (Metric.BROKER_DIFFERENCES, "position", 1, "BrokerDiffers"),
        (Metric.RECONCILIATION_AGE_SECONDS, "", 301, "ReconciliationOld"),
        (Metric.PROOF_AGE_SECONDS, "changes", 3_601, "ProofOld"),
        (Metric.PROOF_AGE_SECONDS, "full", 259_201, "ProofOld"),
    ],
)
def test_a_value_beyond_its_limit_raises_the_alert_of_its_label(
    metric: Metric, subject: str, value: float, alert: str
) -> None:
    assert names({metric: {subject: value}}) == [(alert, subject)]


@pytest.mark.parametrize(
    ("metric", "subject", "value"),
    [
        # The cache drops what it has no room for.
        (Metric.REDIS_MEMORY_RATIO, "cache", 0.99),
        (Metric.QUEUE_OLDEST_SECONDS, "orders.low", 299),
        (Metric.PROOF_AGE_SECONDS, "full", 3_601),
    ],
)
def test_a_label_with_a_limit_of_its_own_is_held_to_no_other(
    metric: Metric, subject: str, value: float
) -> None:
    assert names({metric: {subject: value}}) == []


def test_critical_alerts_come_first() -> None:
    found = raised({Metric.PARKED_ORDERS: {"": 1}, Metric.EXPIRED_LEASES: {"": 1}})

    assert [alert.severity for alert in found] == sorted(Severity)
    assert found[0].alert == "LeasesExpired"
