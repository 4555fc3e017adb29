"""Audit, canaries, memory, queues and the checks of the books."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from angel_x.adapters.archive_files import Archive
from angel_x.adapters.certificates import Certificates
from angel_x.adapters.postgres.account_history import AccountHistory
from angel_x.adapters.postgres.audit import PostgresAudit
from angel_x.adapters.postgres.backlog import Backlog
from angel_x.adapters.postgres.canaries import PostgresCanaries
from angel_x.adapters.postgres.closed_positions import ClosedPositions
from angel_x.adapters.postgres.invariants import Invariants
from angel_x.adapters.postgres.partitions import Partitions
from angel_x.adapters.postgres.proofs import PostgresProofs
from angel_x.adapters.postgres.retention import Retention
from angel_x.adapters.redis.consumers import Consumers
from angel_x.adapters.redis.memory_board import MemoryBoard
from angel_x.adapters.redis.periodic_entries import PeriodicEntries
from angel_x.adapters.redis.timing_board import RedisTimingBoard
from angel_x.adapters.resident import resident_bytes
from angel_x.bootstrap.accounts import AccountParts
from angel_x.bootstrap.foundation import Foundation
from angel_x.bootstrap.reviews import build_reviews
from angel_x.domain.operations.metric import Metric
from angel_x.services.accounts.audit import Audit
from angel_x.services.accounts.rebuild import Rebuild
from angel_x.services.operations.canaries import Canaries
from angel_x.services.operations.memory import MemoryOverview, MemoryWatch
from angel_x.services.operations.queues import QueueMonitor
from angel_x.services.operations.reviews import Reviews
from angel_x.services.operations.schedule import PeriodicSchedule
from angel_x.services.operations.timings import TimingReports

#: How long after its beginning a proof of the invariants begins again.
_CHANGES_PROOF_SECONDS = 300.0
_FULL_PROOF_SECONDS = 86_400.0


@dataclass(frozen=True, kw_only=True)
class Operations:
    """Audit, canaries, memory, queues and the checks of the books."""

    audit: Audit
    canaries: Canaries
    consumers: Consumers
    backlog: Backlog
    certificates: Certificates
    invariants: Invariants
    proofs: PostgresProofs
    partitions: Partitions
    closed_positions: ClosedPositions
    retention: Retention
    memory: MemoryOverview
    memory_watch: MemoryWatch
    timings: TimingReports
    reviews: Reviews
    queues: QueueMonitor
    schedule: PeriodicSchedule
    rebuild: Rebuild


def build_operations(base: Foundation, people: AccountParts) -> Operations:
    """Put together the services that operators look at."""
    backlog, reports = Backlog(base.engine), MemoryBoard(base.cache)
    memory = MemoryOverview(reports=reports, clock=base.clock)
    process = f"{base.settings.node}/{base.role}"
    timings = TimingReports(
        process, base.recorder, RedisTimingBoard(base.cache), lambda: list(reports.read())
    )
    partitions = Partitions(base.engine, base.clock)
    return Operations(
        audit=Audit(PostgresAudit(base.engine), people.accounts),
        canaries=Canaries(
            board=PostgresCanaries(base.engine, base.depths.queues),
            release=base.dispatcher.canary,
            depths=base.depths.read,
            meter=base.meter,
            monotonic=monotonic,
            interval_seconds=base.settings.canary_interval_seconds,
        ),
        consumers=Consumers(base.broker),
        backlog=backlog,
        certificates=Certificates(base.settings, base.clock, monotonic),
        invariants=Invariants(base.engine),
        proofs=PostgresProofs(
            base.engine,
            base.market_clock,
            changes_seconds=_CHANGES_PROOF_SECONDS,
            full_seconds=_FULL_PROOF_SECONDS,
        ),
        partitions=partitions,
        closed_positions=ClosedPositions(base.engine, base.clock, partitions),
        retention=Retention(
            base.engine,
            base.clock,
            Archive(base.settings.archive_path),
            # The ledger is the history of the account, and its sum the cash: it is kept for ever.
            days={
                "order_events": base.settings.order_events_retention_days,
                "closed_positions": base.settings.closed_positions_retention_days,
                "portfolio_snapshots": base.settings.portfolio_snapshots_retention_days,
            },
            on_failure=lambda table: base.meter.add(Metric.RETENTION_FAILURES, table=table),
        ),
        memory=memory,
        memory_watch=MemoryWatch(
            process,
            reports=reports,
            meter=base.meter,
            publish=base.events.publish,
            clock=base.clock,
            resident_bytes=resident_bytes,
            threshold_mb=base.settings.memory_alert_threshold_mb,
            also=timings.publish,
        ),
        timings=timings,
        reviews=build_reviews(base, people, memory, timings),
        queues=QueueMonitor(
            depths=base.depths.read,
            lanes=backlog.lanes,
            publish=base.events.publish,
            max_waiting=base.settings.max_queue_size,
            max_age_seconds=base.settings.queue_age_alert_seconds,
        ),
        rebuild=Rebuild(AccountHistory(base.engine)),
        schedule=PeriodicSchedule(PeriodicEntries(base.broker), base.clock),
    )
