"""Every metric: its public name, its kind, its labels, its buckets and its help text.

A new metric is a member of :class:`Metric`, an entry of :data:`DEFINITIONS`, a row of
``docs/reference/metrics.md``, and the line that counts it or a source of the exporter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class Metric(StrEnum):
    """The value is the public name on the Prometheus page."""

    ORDER_PROCESSING_SECONDS = "angel_x_order_processing_seconds"
    ORDER_LATENCY_SECONDS = "angel_x_order_latency_seconds"
    ACTIVE_ORDERS = "angel_x_active_orders"
    ORDERS_PROCESSED = "angel_x_orders_processed_total"
    ORDERS_ACCEPTED = "angel_x_orders_accepted_total"
    ORDERS_REFUSED = "angel_x_orders_refused_total"
    ORDER_RATE_FALLBACKS = "angel_x_order_rate_fallbacks_total"
    IDEMPOTENT_REPLAYS = "angel_x_idempotent_replays_total"
    ORDERS_SWEPT = "angel_x_orders_swept_total"
    OLDEST_DUE_ORDER_SECONDS = "angel_x_oldest_due_order_seconds"
    EXPIRED_LEASES = "angel_x_expired_leases"
    STALE_ATTEMPTS = "angel_x_stale_attempts_total"
    WORKFLOWS_DUE = "angel_x_workflows_due"
    PARKED_ORDERS = "angel_x_parked_orders"
    DOORBELLS_LOST = "angel_x_doorbells_lost_total"
    SPANS_LOST = "angel_x_spans_lost_total"
    MESSAGES_DROPPED = "angel_x_messages_dropped_total"
    MESSAGES_EXPIRED = "angel_x_messages_expired_total"
    QUEUE_DEPTH = "angel_x_queue_depth"
    QUEUE_OLDEST_SECONDS = "angel_x_queue_oldest_seconds"
    QUEUE_WAIT_SECONDS = "angel_x_queue_wait_seconds"
    CANARY_AGE_SECONDS = "angel_x_canary_age_seconds"
    SCHEDULE_LATE_SECONDS = "angel_x_schedule_late_seconds"
    SCHEDULE_ENTRIES_ASIDE = "angel_x_schedule_entries_aside"
    GREEKS_CONTRACTS = "angel_x_greeks_contracts_total"
    GREEKS_CHUNKS_SENT = "angel_x_greeks_chunks_sent_total"
    GREEKS_REFRESH_SECONDS = "angel_x_greeks_refresh_seconds"
    GREEKS_STAGE_SECONDS = "angel_x_greeks_stage_seconds"
    GREEKS_AGE_SECONDS = "angel_x_greeks_age_seconds"
    PORTFOLIO_UPDATE_SECONDS = "angel_x_portfolio_update_seconds"
    DB_QUERY_SECONDS = "angel_x_db_query_seconds"
    CACHE_REQUESTS = "angel_x_cache_requests_total"
    WORKER_RESIDENT_BYTES = "angel_x_worker_resident_bytes"
    MEMORY_ALERTS = "angel_x_memory_alerts_total"
    RETENTION_FAILURES = "angel_x_retention_failures_total"
    PROGRAMS_REPLACED = "angel_x_programs_replaced_total"
    BROKER_REQUESTS = "angel_x_broker_requests_total"
    STREAMS_DROPPED = "angel_x_streams_dropped_total"
    HTTP_REQUEST_SECONDS = "angel_x_http_request_duration_seconds"
    HTTP_EARLY_REFUSALS = "angel_x_http_early_refusals_total"
    TRADING_STATE = "angel_x_trading_state"
    RISK_ARRAYS_MISSED = "angel_x_risk_arrays_missed_total"
    MARGIN_MARK_SECONDS = "angel_x_margin_mark_seconds"
    MARGIN_MARK_AGE_SECONDS = "angel_x_margin_mark_age_seconds"
    MARGIN_SHORT_ACCOUNTS = "angel_x_margin_short_accounts"
    MARKET_TICKS = "angel_x_market_ticks_total"
    FEED_GAPS = "angel_x_feed_gaps_total"
    FEED_STALE_CONTRACTS = "angel_x_feed_stale_contracts"
    FEED_LAG_SECONDS = "angel_x_feed_lag_seconds"
    CALENDAR_DAYS_LEFT = "angel_x_calendar_days_left"
    CERTIFICATE_DAYS_LEFT = "angel_x_certificate_days_left"
    SETTLEMENTS_WAITING = "angel_x_settlements_waiting"
    METRICS_FILES_UNREADABLE = "angel_x_metrics_files_unreadable"
    METRICS_FILE_UNREADABLE = "angel_x_metrics_file_unreadable"
    BACKUP_AGE_SECONDS = "angel_x_backup_age_seconds"
    INVARIANTS_BROKEN = "angel_x_invariants_broken"
    PROOF_AGE_SECONDS = "angel_x_proof_age_seconds"
    BROKER_DIFFERENCES = "angel_x_broker_differences"
    BROKER_MARGIN_RATIO = "angel_x_broker_margin_ratio"
    RECONCILIATION_AGE_SECONDS = "angel_x_reconciliation_age_seconds"
    FEED_TICKS_DROPPED = "angel_x_feed_ticks_dropped_total"
    PROCESSES = "angel_x_processes"
    SERVER_UP = "angel_x_server_up"
    REDIS_MEMORY_RATIO = "angel_x_redis_memory_ratio"
    DISK_FREE_RATIO = "angel_x_disk_free_ratio"
    DB_CONNECTIONS_RATIO = "angel_x_db_connections_ratio"
    DB_POOL_TIMEOUTS = "angel_x_db_pool_timeouts_total"
    TASK_RUNTIME_SECONDS = "angel_x_task_runtime_seconds"
    TRADING_MODE = "angel_x_trading_mode"
    UNCONFIRMED_SESSION_SECONDS = "angel_x_unconfirmed_session_seconds"
    SHADOW_MISSED = "angel_x_shadow_missed_total"
    SHADOW_SLIPPAGE = "angel_x_shadow_slippage_rupees"
    ALERT_NOTICES = "angel_x_alert_notices_total"
    BUILD_INFO = "angel_x_build_info"


class MetricKind(Enum):
    COUNTER = auto()
    HISTOGRAM = auto()
    #: Set by the process that measures it; the newest value of any process counts.
    GAUGE = auto()
    #: Read by the exporter on each scrape, so that a dead process leaves no stale number.
    SCRAPED = auto()


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """Kind, help text of the Prometheus page and labels of a metric."""

    kind: MetricKind
    text: str
    labels: tuple[str, ...] = ()
    #: Seconds, for histograms.
    buckets: tuple[float, ...] = ()


#: Down to a millisecond, because the target is ten; 10 ms to 1 s are the guide's own.
FINE = (0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
LONG = (*FINE, 5.0, 10.0, 30.0, 60.0)
#: Few, because each task and each end has all of them.
TASK = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0)
QUERY = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


def _counter(text: str, *labels: str) -> MetricDefinition:
    return MetricDefinition(MetricKind.COUNTER, text, labels)


def _histogram(text: str, buckets: tuple[float, ...], *labels: str) -> MetricDefinition:
    return MetricDefinition(MetricKind.HISTOGRAM, text, labels, buckets)


def _gauge_of(text: str) -> MetricDefinition:
    return MetricDefinition(MetricKind.GAUGE, text)


def _scraped(text: str, *labels: str) -> MetricDefinition:
    return MetricDefinition(MetricKind.SCRAPED, text, labels)


DEFINITIONS: Mapping[Metric, MetricDefinition] = {
    Metric.ORDER_PROCESSING_SECONDS: _histogram("Time to decide one batch of orders.", FINE),
    Metric.ORDER_LATENCY_SECONDS: _histogram(
        "Time from the acceptance of an order until it is closed or rests in the market.",
        LONG,
        "priority",
    ),
    Metric.ACTIVE_ORDERS: _scraped("Orders that are not closed.", "status"),
    Metric.ORDERS_PROCESSED: _counter("Orders decided.", "status"),
    Metric.ORDERS_ACCEPTED: _counter("Orders stored.", "priority"),
    Metric.ORDERS_REFUSED: _counter("Orders that could not be accepted."),
    Metric.ORDER_RATE_FALLBACKS: _counter("Submissions whose rate one process counted alone."),
    Metric.IDEMPOTENT_REPLAYS: _counter("Orders submitted again under the same client order id."),
    Metric.ORDERS_SWEPT: _counter("Orders for which the relay rang again."),
    Metric.OLDEST_DUE_ORDER_SECONDS: _scraped(
        "Seconds by which the most overdue order is overdue."
    ),
    Metric.EXPIRED_LEASES: _scraped("Orders on their way to the venue whose lease has expired."),
    Metric.STALE_ATTEMPTS: _counter("Answers of the venue that came after their lease had ended."),
    Metric.WORKFLOWS_DUE: _scraped("Workflows whose next step is overdue."),
    Metric.PARKED_ORDERS: _scraped("Orders that could not be decided and were not sent again."),
    Metric.DOORBELLS_LOST: _counter("Messages that could not be sent; the relay rings again."),
    Metric.SPANS_LOST: _counter("Spans that reached no destination, with the reason.", "reason"),
    Metric.MESSAGES_DROPPED: _counter("Messages that could not be run.", "reason"),
    Metric.MESSAGES_EXPIRED: _counter("Messages that expired on their queue.", "task"),
    Metric.QUEUE_DEPTH: _scraped("Messages that wait on a queue.", "queue"),
    Metric.QUEUE_OLDEST_SECONDS: _scraped("Age of the oldest undecided order of a queue.", "queue"),
    Metric.QUEUE_WAIT_SECONDS: _histogram("Time that a canary lay on its queue.", LONG, "queue"),
    Metric.CANARY_AGE_SECONDS: _scraped(
        "Time since a worker last took a canary off a queue; infinite if none ever did.", "queue"
    ),
    Metric.SCHEDULE_LATE_SECONDS: _scraped(
        "Seconds by which a periodic task is late; infinite if it was lost from the schedule.",
        "entry",
    ),
    Metric.SCHEDULE_ENTRIES_ASIDE: _scraped(
        "Entries of the schedule that Beat could not decode and has put aside."
    ),
    Metric.GREEKS_CONTRACTS: _counter("Contracts priced."),
    Metric.GREEKS_CHUNKS_SENT: _counter("Chunks dispatched by refreshes."),
    Metric.GREEKS_REFRESH_SECONDS: _histogram(
        "Time to find the moved chains and to dispatch their chunks.", FINE
    ),
    Metric.GREEKS_STAGE_SECONDS: _histogram("Time of each part of a chunk.", LONG, "stage"),
    Metric.GREEKS_AGE_SECONDS: _scraped(
        "Age of the oldest Greeks of a contract that trades; infinite if one has none."
    ),
    Metric.PORTFOLIO_UPDATE_SECONDS: _histogram("Time to value one set of accounts.", LONG),
    Metric.DB_QUERY_SECONDS: _histogram("Time of one statement.", QUERY),
    Metric.CACHE_REQUESTS: _counter("Reads of the cache.", "cache", "result"),
    Metric.WORKER_RESIDENT_BYTES: _scraped("Resident memory of a process.", "worker"),
    Metric.MEMORY_ALERTS: _counter("Memory readings of a process above its threshold."),
    Metric.RETENTION_FAILURES: _counter(
        "Partitions past their retention that could not be exported and were kept.", "table"
    ),
    Metric.PROGRAMS_REPLACED: _counter(
        "Workers and Beats that lived without working and were replaced.", "program"
    ),
    Metric.BROKER_REQUESTS: _counter("Calls of the trading broker.", "call", "outcome"),
    Metric.STREAMS_DROPPED: _counter("Event streams that were ended for a reason.", "reason"),
    Metric.HTTP_REQUEST_SECONDS: _histogram(
        "Time to answer a request.", LONG, "route", "method", "code"
    ),
    Metric.HTTP_EARLY_REFUSALS: _counter(
        "Requests and connections refused before their headers were complete.", "code"
    ),
    Metric.TRADING_STATE: _scraped(
        "Strictest trading state of a scope: 0 active, 1 reducing, 2 halted.", "scope"
    ),
    Metric.RISK_ARRAYS_MISSED: _counter(
        "Contracts of unknown margin because their risk array was absent or old, by look-up."
    ),
    Metric.MARGIN_MARK_SECONDS: _histogram("Time to mark the margin of all accounts.", LONG),
    Metric.MARGIN_MARK_AGE_SECONDS: _scraped(
        "Age of the oldest marking of an account that holds something."
    ),
    Metric.MARGIN_SHORT_ACCOUNTS: _scraped("Accounts that are short of margin."),
    Metric.MARKET_TICKS: _counter("Ticks taken from the feed."),
    Metric.FEED_GAPS: _counter("Gaps found in a source of quotes.", "kind"),
    Metric.FEED_STALE_CONTRACTS: _gauge_of(
        "Contracts at the money of the next expiry without a new quote for too long."
    ),
    Metric.FEED_LAG_SECONDS: _gauge_of(
        "Delay of the last move that the feed took from its source."
    ),
    Metric.CALENDAR_DAYS_LEFT: _scraped("Days until the published list of holidays ends."),
    Metric.CERTIFICATE_DAYS_LEFT: _scraped(
        "Days until a certificate of a connection of this system ends.", "certificate"
    ),
    Metric.SETTLEMENTS_WAITING: _scraped(
        "Expiries with open positions that are past their close and not settled."
    ),
    Metric.METRICS_FILES_UNREADABLE: _scraped(
        "Files of metrics that are empty or damaged and left out of this page."
    ),
    Metric.METRICS_FILE_UNREADABLE: _scraped(
        "1 for each file that is empty or damaged and left out of this page.", "file"
    ),
    Metric.BACKUP_AGE_SECONDS: _scraped(
        "Age of the newest verified backup; infinite if there is none."
    ),
    Metric.INVARIANTS_BROKEN: _scraped(
        "Rows that break an invariant, by the last proof or the one that runs.", "proof"
    ),
    Metric.PROOF_AGE_SECONDS: _scraped(
        "Time since the last complete proof of the invariants began.", "proof"
    ),
    Metric.BROKER_DIFFERENCES: _scraped(
        "Differences between the broker's books and the database, by the last comparison.", "kind"
    ),
    Metric.BROKER_MARGIN_RATIO: _gauge_of(
        "Largest difference between the broker's margin of an underlying and ours, by the larger one."
    ),
    Metric.RECONCILIATION_AGE_SECONDS: _scraped(
        "Time since the last comparison with the broker; infinite before the first."
    ),
    Metric.FEED_TICKS_DROPPED: _counter("Rows dropped from the full tick buffer."),
    Metric.PROCESSES: _scraped("Living processes of a role on this machine.", "role"),
    Metric.SERVER_UP: _scraped("1 if the metrics process reaches a server, else 0.", "server"),
    Metric.REDIS_MEMORY_RATIO: _scraped("Used memory by what a server may use.", "server"),
    Metric.DISK_FREE_RATIO: _scraped("Free part of the disk of ANGEL_X_HOME."),
    Metric.DB_CONNECTIONS_RATIO: _scraped(
        "Connections to the database by those that its server allows to the application."
    ),
    Metric.DB_POOL_TIMEOUTS: _counter(
        "Requests for a connection of the pool of a process that got none in time."
    ),
    Metric.TASK_RUNTIME_SECONDS: _histogram(
        "Time of one run of a task, by its end.", TASK, "task", "outcome"
    ),
    Metric.TRADING_MODE: _scraped(
        "1 for the mode in force, else 0: paper, live, or blocked, which is live without passage.",
        "mode",
    ),
    Metric.UNCONFIRMED_SESSION_SECONDS: _scraped(
        "Seconds to the session that no confirmation of live trading covers, 0 in it; else absent."
    ),
    Metric.SHADOW_MISSED: _counter(
        "Moves of paper twins that were left out, by reason: failed, full, or late.", "reason"
    ),
    Metric.SHADOW_SLIPPAGE: _scraped(
        "Mean rupees a unit by which live fills of today are worse than those of their paper twins."
    ),
    Metric.ALERT_NOTICES: _counter(
        "Notices to targets of alerts, by the outcome of an attempt.", "outcome"
    ),
    Metric.BUILD_INFO: _scraped("1, with the version of Angel-X that serves this page.", "version"),
}
