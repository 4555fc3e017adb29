"""Alerts look at metrics that exist, and say what is the matter and what to do."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from angel_x.domain.operations.metric import DEFINITIONS, Metric
from tests.unit.deploy import compose

FILE = compose.DEPLOY / "prometheus" / "alerts.yaml"
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
FEED = {
    Metric.FEED_GAPS,
    Metric.FEED_STALE_CONTRACTS,
    Metric.FEED_LAG_SECONDS,
    Metric.FEED_TICKS_DROPPED,
}
CALENDAR = {Metric.CALENDAR_DAYS_LEFT}
REPAIR = {
    Metric.OLDEST_DUE_ORDER_SECONDS,
    Metric.EXPIRED_LEASES,
    Metric.WORKFLOWS_DUE,
    Metric.CANARY_AGE_SECONDS,
    Metric.SCHEDULE_LATE_SECONDS,
    Metric.SCHEDULE_ENTRIES_ASIDE,
    Metric.PROGRAMS_REPLACED,
    Metric.RETENTION_FAILURES,
    Metric.PARKED_ORDERS,
    Metric.STALE_ATTEMPTS,
    Metric.BACKUP_AGE_SECONDS,
}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_an_alert_looks_at_what_is_measured(alert: dict[str, Any]) -> None:
    metrics = re.findall(r"angel_x_\w+", alert["expr"])

    assert metrics
    for name in metrics:
        assert Metric(name) in DEFINITIONS
    for label in re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"]):
        assert label in DEFINITIONS[Metric(metrics[0])].labels


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_an_alert_says_what_is_the_matter_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert alert["annotations"]["summary"].endswith(".")
    assert alert["annotations"]["description"].strip()


def test_everything_that_a_feed_can_lack_has_an_alert() -> None:
    seen = " ".join(alert["expr"] for alert in ALERTS)

    assert {metric for metric in FEED if metric.value in seen} == FEED


def test_everything_that_is_repaired_has_an_alert_for_when_it_is_not() -> None:
    seen = " ".join(alert["expr"] for alert in ALERTS)

    assert {metric for metric in REPAIR if metric.value in seen} == REPAIR
