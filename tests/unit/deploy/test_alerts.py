"""Alerts look at metrics that exist, and say what is the matter and what to do."""

from __future__ import annotations

import re
from typing import Any

import click
import pytest
import yaml

from angel_x.domain.operations.alert import RULES, AlertRule
from angel_x.domain.operations.metric import DEFINITIONS, Metric
from angel_x.entrypoints.cli.root import cli
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
RUNBOOKS = compose.ROOT / "docs" / "runbooks"
JOBS = {
    scraped["job_name"]
    for scraped in yaml.safe_load(
        (compose.DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    )["scrape_configs"]
}
VITAL = {
    Metric.PROCESSES,
    Metric.SERVER_UP,
    Metric.REDIS_MEMORY_RATIO,
    Metric.DISK_FREE_RATIO,
    Metric.DB_CONNECTIONS_RATIO,
    Metric.DB_POOL_TIMEOUTS,
    Metric.TASK_RUNTIME_SECONDS,
    Metric.METRICS_FILES_UNREADABLE,
    Metric.CERTIFICATE_DAYS_LEFT,
}
CALENDAR = {Metric.CALENDAR_DAYS_LEFT, Metric.SETTLEMENTS_WAITING}
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
    Metric.INVARIANTS_BROKEN,
    Metric.PROOF_AGE_SECONDS,
    Metric.BROKER_DIFFERENCES,
    Metric.RECONCILIATION_AGE_SECONDS,
}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_an_alert_looks_at_what_is_measured(alert: dict[str, Any]) -> None:
    names = re.findall(r"angel_x_\w+", alert["expr"])
    jobs = re.findall(r'up\{job="([^"]+)"\}', alert["expr"])

    assert names or jobs
    assert set(jobs) <= JOBS
    metrics = [Metric(re.sub(r"_(bucket|count)$", "", name)) for name in names]
    for label in re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"]):
        assert label in DEFINITIONS[metrics[0]].labels


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_an_alert_says_what_is_the_matter_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert alert["annotations"]["summary"].endswith(".")
    assert alert["annotations"]["description"].strip()


def test_an_alert_on_an_increase_fires_at_the_first_count_of_a_label() -> None:
    """Before its first count a label has no sample, so the increase of that count is zero."""
    counted = [
        (alert["expr"], *increase)
        for alert in ALERTS
        for increase in re.findall(r"increase\((\S+)\[(\w+)\]\)", alert["expr"])
    ]

    assert len(counted) >= 9
    assert [
        expression
        for expression, series, window in counted
        if f"{series} unless {series} offset {window}" not in expression
    ] == []


def test_everything_that_a_feed_can_lack_has_an_alert() -> None:
    seen = " ".join(alert["expr"] for alert in ALERTS)

    assert {metric for metric in FEED if metric.value in seen} == FEED


def test_everything_that_is_repaired_has_an_alert_for_when_it_is_not() -> None:
    seen = " ".join(alert["expr"] for alert in ALERTS)

    assert {metric for metric in REPAIR if metric.value in seen} == REPAIR


def test_everything_that_can_be_down_has_an_alert() -> None:
    seen = " ".join(alert["expr"] for alert in ALERTS)

    assert {metric for metric in VITAL if metric.value in seen} == VITAL
    assert set(re.findall(r'up\{job="([^"]+)"\}', seen)) == JOBS
    # A job that Prometheus does not know has no series at all.
    assert 'absent(up{job="angel-x"})' in seen


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    names = {alert["alert"] for alert in ALERTS}

    assert {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"} == names
    for alert in ALERTS:
        assert alert["annotations"]["runbook_url"] == f"docs/runbooks/{alert['alert']}.md"


def test_every_alert_is_fired_by_a_test_of_the_rules() -> None:
    file = compose.DEPLOY / "prometheus" / "alerts.test.yaml"
    cases = yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]
    expected = [
        {sample["labels"] for sample in case["promql_expr_test"][0]["exp_samples"]}
        for case in cases
    ]

    assert set().union(*expected) == {f'{{alertname="{alert["alert"]}"}}' for alert in ALERTS}
    assert expected.count(set()) == 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.alert}-{rule.limit:g}")
def test_the_status_raises_an_alert_at_the_limit_of_its_rule(rule: AlertRule) -> None:
    [alert] = [alert for alert in ALERTS if alert["alert"] == rule.alert]
    # A flag or a number of processes is below one exactly where it is zero.
    zero = rule.is_floor and rule.limit == 1
    bound = "== 0" if zero else f"{'<' if rule.is_floor else '>'} {rule.limit:g}"

    assert alert["labels"]["severity"] == rule.severity
    assert rule.metric in alert["expr"]
    assert bound in alert["expr"]


def commands_of_runbooks() -> list[str]:
    pages = (page.read_text(encoding="utf-8") for page in sorted(RUNBOOKS.glob("*.md")))
    return sorted({words for page in pages for words in re.findall(r"`angel-x ([^`]+)`", page)})


def test_runbooks_name_commands() -> None:
    assert len(commands_of_runbooks()) > 5


@pytest.mark.parametrize("words", commands_of_runbooks())
def test_a_command_of_a_runbook_exists(words: str) -> None:
    context: click.Context | None = None
    command: click.Command = cli
    for word in words.split():
        if not isinstance(command, click.Group) or word.startswith("-"):
            break
        context = click.Context(command, parent=context)
        found = command.get_command(context, word)
        if found is None and command.get_command(context, "show") is None:
            raise AssertionError(f"no such command: {words}")
        command = found or command
    options = {o for p in command.params for o in p.opts}
    assert {w for w in words.split() if w.startswith("--")} <= options, words
