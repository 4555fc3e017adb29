"""The exporter process: serves the page of metrics until a signal."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import structlog

from angel_x.adapters.backup.taking import latest_age_seconds
from angel_x.adapters.metrics import metrics_directory
from angel_x.adapters.metrics.collector import Reading, Source
from angel_x.adapters.metrics.exporter import registry, served
from angel_x.adapters.postgres.margin_marks import PostgresMarks
from angel_x.bootstrap import Application, build
from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints.signals import stopped_by_signal
from angel_x.entrypoints.vital_sources import vital_sources
from angel_x.services.operations.memory import MemoryReporter

if TYPE_CHECKING:
    from config.settings import Settings

log = structlog.get_logger()


class MetricsDisabled(RuntimeError):
    """PROMETHEUS_ENABLED or METRICS_ENABLED is off."""


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        MetricsDisabled: A setting disables metrics.
    """
    check_enabled(settings)
    application = build(settings, role="metrics")
    MemoryReporter(application.operations.memory_watch).start()
    page = registry(metrics_directory(settings.home_path), sources(application))
    with (
        stopped_by_signal(Event()) as ended,
        served(page, settings.api_host, settings.metrics_port) as port,
    ):
        log.info("metrics.served", host=settings.api_host, port=port)
        ended.wait()
    application.close()


def check_enabled(settings: Settings) -> None:
    """Raise MetricsDisabled if a setting disables metrics."""
    for name in ("metrics_enabled", "prometheus_enabled"):
        if not getattr(settings, name):
            raise MetricsDisabled(f"metrics are not served while ANGEL_X_{name.upper()} is off")


def sources(application: Application) -> list[Source]:
    """Return the sources of all metrics that the exporter reads itself."""
    backlog, queues = application.operations.backlog, application.operations.queues
    schedule = application.operations.schedule
    proofs = application.operations.proofs.state
    marks = PostgresMarks(application.base.engine).state
    reconciler = application.trading.reconciler
    return [
        *vital_sources(application.base),
        Source(
            Metric.ACTIVE_ORDERS, lambda: {s.value: n for s, n in backlog.open_orders().items()}
        ),
        Source(Metric.OLDEST_DUE_ORDER_SECONDS, lambda: {"": backlog.oldest_due_seconds()}),
        Source(Metric.EXPIRED_LEASES, lambda: {"": backlog.expired_leases()}),
        Source(Metric.WORKFLOWS_DUE, lambda: {"": backlog.workflows_due()}),
        Source(Metric.PARKED_ORDERS, lambda: {"": application.trading.replays.waiting()}),
        Source(Metric.CANARY_AGE_SECONDS, application.operations.canaries.ages),
        Source(Metric.TRADING_MODE, lambda: _trading_mode(application)),
        Source(
            Metric.UNCONFIRMED_SESSION_SECONDS,
            lambda: _of_system(application.live.trading.seconds_to_unconfirmed_session()),
        ),
        Source(Metric.SHADOW_SLIPPAGE, lambda: _slippage(application)),
        Source(Metric.TRADING_STATE, application.controls.states.strictest),
        Source(Metric.QUEUE_DEPTH, lambda: {q.queue: q.depth for q in queues.read()}),
        Source(
            Metric.QUEUE_OLDEST_SECONDS, lambda: {q.queue: q.oldest_seconds for q in queues.read()}
        ),
        Source(Metric.SCHEDULE_LATE_SECONDS, schedule.lateness),
        Source(Metric.SCHEDULE_ENTRIES_ASIDE, lambda: {"": len(schedule.aside())}),
        Source(Metric.WORKER_RESIDENT_BYTES, application.operations.memory.resident_bytes),
        Source(Metric.CALENDAR_DAYS_LEFT, lambda: {"": _calendar_days_left(application)}),
        Source(Metric.CERTIFICATE_DAYS_LEFT, application.operations.certificates.days_left),
        Source(Metric.SETTLEMENTS_WAITING, lambda: {"": application.trading.settlement.waiting()}),
        Source(Metric.INVARIANTS_BROKEN, lambda: {p.kind.value: p.broken for p in proofs()}),
        Source(Metric.PROOF_AGE_SECONDS, lambda: {p.kind.value: p.age_seconds for p in proofs()}),
        Source(Metric.BROKER_DIFFERENCES, reconciler.differences),
        Source(Metric.RECONCILIATION_AGE_SECONDS, lambda: _of_system(reconciler.age_seconds())),
        Source(
            Metric.BACKUP_AGE_SECONDS, lambda: {"": latest_age_seconds(application.base.engine)}
        ),
        Source(
            Metric.GREEKS_AGE_SECONDS,
            lambda: _of_system(application.analytics.greeks.oldest_age_seconds()),
        ),
        Source(Metric.MARGIN_MARK_AGE_SECONDS, lambda: {"": marks().age_seconds}),
        Source(Metric.MARGIN_SHORT_ACCOUNTS, lambda: {"": marks().short}),
    ]


def _trading_mode(application: Application) -> Reading:
    status = application.live.trading.status()
    mode = "blocked" if status.blocked is not None else status.mode
    return {each: int(each == mode) for each in ("paper", "live", "blocked")}


def _slippage(application: Application) -> Reading:
    if not application.base.settings.shadow:
        return {}
    slippage = application.people.shadow.of(None).totals.slippage_per_unit
    return {} if slippage is None else {"": float(slippage)}


def _calendar_days_left(application: Application) -> int:
    base = application.base
    return base.calendar.days_left(base.clock())


def _of_system(value: float | None) -> Reading:
    """Return a reading without a label; none where there is nothing to measure."""
    return {} if value is None else {"": value}
