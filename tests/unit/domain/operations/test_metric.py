"""Metrics by name, kind and labels, and the buckets of histograms: dashboards count on them."""

from __future__ import annotations

from angel_x.domain.operations.metric import DEFINITIONS, Metric

#: Name without its prefix, kind, labels; the buckets of a histogram by their name below.
METRICS = """
    order_processing_seconds histogram:fine
    order_latency_seconds histogram:long priority
    active_orders scraped status
    orders_processed_total counter status
    orders_accepted_total counter priority
    orders_refused_total counter
    order_rate_fallbacks_total counter
    idempotent_replays_total counter
    orders_swept_total counter
    oldest_due_order_seconds scraped
    expired_leases scraped
    stale_attempts_total counter
    workflows_due scraped
    parked_orders scraped
    doorbells_lost_total counter
    spans_lost_total counter reason
    messages_dropped_total counter reason
    messages_expired_total counter task
    queue_depth scraped queue
    queue_oldest_seconds scraped queue
    queue_wait_seconds histogram:long queue
    canary_age_seconds scraped queue
    schedule_late_seconds scraped entry
    schedule_entries_aside scraped
    greeks_contracts_total counter
    greeks_chunks_sent_total counter
    greeks_refresh_seconds histogram:fine
    greeks_stage_seconds histogram:long stage
    greeks_age_seconds scraped
    portfolio_update_seconds histogram:long
    db_query_seconds histogram:query
    cache_requests_total counter cache result
    worker_resident_bytes scraped worker
    memory_alerts_total counter
    retention_failures_total counter table
    programs_replaced_total counter program
    broker_requests_total counter call outcome
    streams_dropped_total counter reason
    http_request_duration_seconds histogram:long route method code
    http_early_refusals_total counter code
    trading_state scraped scope
    risk_arrays_missed_total counter
    margin_mark_seconds histogram:long
    margin_mark_age_seconds scraped
    margin_short_accounts scraped
    market_ticks_total counter
    feed_gaps_total counter kind
    feed_stale_contracts gauge
    feed_lag_seconds gauge
    calendar_days_left scraped
    certificate_days_left scraped certificate
    settlements_waiting scraped
    metrics_files_unreadable scraped
    metrics_file_unreadable scraped file
    backup_age_seconds scraped
    invariants_broken scraped proof
    proof_age_seconds scraped proof
    broker_differences scraped kind
    broker_margin_ratio gauge
    reconciliation_age_seconds scraped
    feed_ticks_dropped_total counter
    processes scraped role
    server_up scraped server
    redis_memory_ratio scraped server
    disk_free_ratio scraped
    db_connections_ratio scraped
    db_pool_timeouts_total counter
    task_runtime_seconds histogram:task task outcome
    trading_mode scraped mode
    unconfirmed_session_seconds scraped
    shadow_missed_total counter reason
    shadow_slippage_rupees scraped
    alert_notices_total counter outcome
    build_info scraped version
"""
#: Upper ends in milliseconds.
BUCKETS = {
    "fine": "1 2.5 5 7.5 10 15 25 50 100 250 500 1000 2500",
    "long": "1 2.5 5 7.5 10 15 25 50 100 250 500 1000 2500 5000 10000 30000 60000",
    "task": "1 5 25 100 500 2500 10000",
    "query": "0.5 1 2.5 5 10 25 50 100 200 500 1000 5000",
}


def test_every_metric_has_its_name_kind_and_labels() -> None:
    rows = [line.split() for line in METRICS.strip().splitlines()]

    found = [
        [metric.value, definition.kind.name.lower(), *definition.labels]
        for metric, definition in DEFINITIONS.items()
    ]
    assert found == [
        [f"angel_x_{name}", kind.partition(":")[0], *labels] for name, kind, *labels in rows
    ]
    assert list(DEFINITIONS) == list(Metric)


def test_histograms_have_their_buckets_and_nothing_else_has_any() -> None:
    rows = [line.split() for line in METRICS.strip().splitlines()]

    ends = [
        " ".join(f"{round(end * 1000, 3):g}" for end in definition.buckets)
        for definition in DEFINITIONS.values()
    ]
    assert ends == [BUCKETS.get(kind.partition(":")[2], "") for _, kind, *_ in rows]


def test_a_description_is_one_sentence() -> None:
    assert all(definition.text.endswith(".") for definition in DEFINITIONS.values())
