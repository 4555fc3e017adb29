"""The limits of the alerts: one look at every reading that has one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from angel_x.domain.operations.alert import RULES, AlertRule, Severity
from angel_x.domain.operations.check import Check, CheckStatus, Measured
from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints.metrics import sources
from angel_x.entrypoints.readings import read_sources

if TYPE_CHECKING:
    from angel_x.adapters.metrics.collector import Reading
    from angel_x.bootstrap import Application


class Title(NamedTuple):
    """The name of the check of an alert, its unit and its remedy."""

    name: str
    unit: str
    fix: str


TITLES: Mapping[str, Title] = {
    "ProcessesMissing": Title("processes", "of a role", "Start it: `angel-x up`, or its service."),
    "BrokerNearlyFull": Title(
        "memory of the message broker", "of 1", "See `angel-x redis report` and the queues."
    ),
    "PoolExhausted": Title(
        "connections to the database", "of 1", "Smaller pools, fewer processes, or pgbouncer."
    ),
    "DiskNearlyFull": Title("free disk of the home", "of 1", "Remove old logs and backups."),
    "OrdersStalled": Title("age of waiting orders", "s", "Look at the workers of the lane."),
    "OrdersOverdue": Title("overdue orders", "s", "Look at the relay and the order workers."),
    "LeasesExpired": Title("leases of orders", "expired", "Look at the relay and the venue."),
    "WorkflowsOverdue": Title("workflows", "overdue", "Look at the relay and the order workers."),
    "QueueNotHeardFrom": Title("canaries", "s", "Restart the worker that takes the queue."),
    "ScheduleLate": Title("lateness of Beat", "s", "Restart Beat; see `angel-x schedule`."),
    "ScheduleEntryPutAside": Title(
        "entries of Beat", "put aside", "See `angel-x schedule`, and --forget them."
    ),
    "InvariantBroken": Title(
        "rows that break an invariant",
        "rows",
        "See `angel-x status` for one of them, and `angel-x doctor --rebuild`.",
    ),
    "BrokerDiffers": Title(
        "differences from the broker's books",
        "differences",
        "See `angel-x broker reconcile`, and compare with the broker's terminal.",
    ),
    "ReconciliationOld": Title(
        "age of the reconciliation", "s", "Look at the monitor worker and the broker's status."
    ),
    "ProofOld": Title(
        "age of the proof of the books",
        "s",
        "Look at the monitor worker, and its log for `proof.cut`.",
    ),
    "OrdersParked": Title(
        "parked orders", "orders", "See `angel-x orders parked`, and replay or cancel them."
    ),
    "BackupOld": Title("age of the backup", "s", "Run `angel-x backup`, every day."),
    "GreeksOld": Title("age of the Greeks", "s", "Look at the feed and the worker of Greeks."),
    "CalendarEnds": Title(
        "days of the calendar",
        "days",
        "Add the exchange's list to sessions.json in ANGEL_X_MARKET_TABLES.",
    ),
    "CertificateEnds": Title("days of the certificates", "days", "Renew it; see docs/tls.md."),
}
_NOTHING = "nothing to measure"
#: Rules of one metric with a limit for each subject.
_BY_SUBJECT = {Metric.QUEUE_OLDEST_SECONDS, Metric.PROOF_AGE_SECONDS}


def checks(app: Application) -> Iterator[Check]:
    """Yield the worst reading of each rule."""
    readings = read_sources(sources(app))
    yield from checks_of(readings)


def checks_of(readings: Mapping[Metric, Reading]) -> Iterator[Check]:
    """Yield the check of each rule that has a title; servers have checks of their own."""
    for rule in RULES:
        if rule.alert in TITLES:
            yield _check(rule, TITLES[rule.alert], readings.get(rule.metric))


def _check(rule: AlertRule, title: Title, reading: Reading | None) -> Check:
    name = (
        f"{title.name} in {rule.only}" if rule.only and rule.metric in _BY_SUBJECT else title.name
    )
    if reading is None:
        return Check.unmade(name, "it cannot be read: its server is away")
    found = {subject: value for subject, value in reading.items() if rule.concerns(subject)}
    if not found:
        return Check.passed(name, _NOTHING)
    subject, value = (min if rule.is_floor else max)(found.items(), key=lambda each: each[1])
    return Check.of_limit(
        name,
        Measured(round(value, 3), rule.limit, title.unit, rule.is_floor),
        detail=f"of {subject}" if subject else rule.metric.removeprefix("angel_x_"),
        fix=f"{title.fix} (docs/runbooks/{rule.alert}.md)",
        otherwise=CheckStatus.FAILED if rule.severity is Severity.CRITICAL else CheckStatus.WARNING,
    )
