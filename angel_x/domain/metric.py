"""The names of what is measured."""

from __future__ import annotations

from enum import StrEnum


class Metric(StrEnum):
    """A value is the name under which Prometheus sees the metric."""

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
    MESSAGES_DROPPED = "angel_x_messages_dropped_total"
    QUEUE_DEPTH = "angel_x_queue_depth"
    QUEUE_OLDEST_SECONDS = "angel_x_queue_oldest_seconds"
    QUEUE_WAIT_SECONDS = "angel_x_queue_wait_seconds"
    CANARY_AGE_SECONDS = "angel_x_canary_age_seconds"
    GREEKS_CONTRACTS = "angel_x_greeks_contracts_total"
    GREEKS_AGE_SECONDS = "angel_x_greeks_age_seconds"
    PORTFOLIO_UPDATE_SECONDS = "angel_x_portfolio_update_seconds"
    DB_QUERY_SECONDS = "angel_x_db_query_seconds"
    CACHE_REQUESTS = "angel_x_cache_requests_total"
    WORKER_RESIDENT_BYTES = "angel_x_worker_resident_bytes"
    MEMORY_ALERTS = "angel_x_memory_alerts_total"
    BROKER_REQUESTS = "angel_x_broker_requests_total"
    HTTP_REQUEST_SECONDS = "angel_x_http_request_duration_seconds"
    TRADING_STATE = "angel_x_trading_state"
    MARGIN_FALLBACKS = "angel_x_margin_fallbacks_total"
    MARKET_TICKS = "angel_x_market_ticks_total"
