"""What every setting is in every environment in which nothing was set."""

from __future__ import annotations

import socket
from typing import Any

import msgspec
import pytest

from config.loading import RUN_FILE, defaults

#: Everywhere, unless an environment says otherwise.
DEFAULTS: dict[str, Any] = {
    "home": ".angel-x",
    "log_level": "info",
    "log_format": "text",
    "log_decisions": False,
    "log_file_mb": 20,
    "log_files": 5,
    "database_url": None,
    "database_pooling": "session",
    "redis_url": None,
    "broker_url": None,
    "cache_url": None,
    "result_url": None,
    "result_ttl_seconds": 3600,
    "api_url": None,
    "api_host": "127.0.0.1",
    "api_port": 8000,
    "desk_enabled": True,
    "desk_port": 8080,
    "desk_url": None,
    "desk_session_hours": 12,
    "flower_port": 5555,
    "flower_url": None,
    "grafana_url": None,
    "flower_password": None,
    "metrics_port": 9464,
    "own_metrics_port": 0,
    "submit_user": None,
    "submit_signed": False,
    "max_queue_size": 5000,
    "emergency_orders_per_second": 100,
    "order_batch_size": 50,
    "order_batch_timeout_ms": 50,
    "order_processing_workers": 8,
    "parallel_greek_workers": 4,
    "market_data_buffer_size": 5000,
    "cache_ttl_market_data": 60,
    "cache_ttl_greeks": 30,
    "greeks_refresh_seconds": 2,
    "greeks_snapshot_seconds": 60,
    "margin_mark_seconds": 30,
    "margin_mark_move_percent": 0.5,
    "margin_grace_seconds": 0,
    "daily_loss_square_off": False,
    "greeks_retention_days": 90,
    "order_events_retention_days": 1827,
    "closed_positions_retention_days": 1827,
    "portfolio_snapshots_retention_days": 1827,
    "archive_directory": None,
    "pricing_backend": "auto",
    "pricing_model": "black76",
    "cache_ttl_portfolio": 10,
    "redis_pool_size": 100,
    "warm_cache_on_startup": True,
    "db_pool_size": 30,
    "db_max_pool_size": 60,
    "db_query_timeout_seconds": 30,
    "api_response_timeout": 30,
    "api_header_timeout": 10,
    "api_body_timeout": 30,
    "api_max_connections": 2000,
    "api_max_connections_per_address": 500,
    "api_lock_timeout_ms": 2000,
    "bad_keys_per_second": 10,
    "api_retry_attempts": 2,
    "rate_limit_enabled": True,
    "gzip_enabled": True,
    "metrics_enabled": True,
    "prometheus_enabled": True,
    "slow_query_threshold_ms": 200,
    "memory_alert_threshold_mb": 500,
    "memory_hard_limit_mb": 700,
    "paper_slippage_ticks": 0,
    "market_hours": "exchange",
    "market_tables": None,
    "paper_latency_ms": 0,
    "paper_latency_jitter_ms": 0,
    "paper_seed": 0,
    "claim_limit": 200,
    "relay_interval_ms": 500,
    "ring_after_ms": 2000,
    "max_rings": 20,
    "canary_interval_seconds": 10,
    "bulk_niceness": 10,
    "settlement_wait_seconds": 0,
    "order_lease_seconds": 15,
    "deaf_after_seconds": 25,
    "queue_age_alert_seconds": 10,
    "angel_one_algo_id": None,
    "trading_mode": "paper",
    "live_users": "",
    "angel_one_url": "https://apiconnect.angelone.in",
    "angel_one_stream_url": "wss://smartapisocket.angelone.in/smart-stream",
    "angel_one_updates_url": "wss://tns.angelone.in/smart-order-update",
    "alerts_key": None,
    "alerts_per_minute": 6,
    "alerts_repeat_seconds": 900,
    "alerts_attempts": 10,
    "telegram_token": None,
    "telegram_url": "https://api.telegram.org",
    "angel_one_client_code": None,
    "angel_one_api_key": None,
    "angel_one_pin": None,
    "angel_one_totp_secret": None,
    "angel_one_timeout_seconds": 5,
    "angel_one_source_address": None,
    "angel_one_public_address": None,
    "angel_one_funds_tolerance": 1,
    "angel_one_processes": 20,
    "angel_one_mac_address": "00:00:00:00:00:00",
    "fault_at": None,
    "fault_action": "kill",
}
ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "production": {
        "log_format": "json",
        "log_decisions": True,
        "submit_signed": True,
        "thread_pool_size": 12,
    },
    "development": {
        "submit_user": "demo",
        "thread_pool_size": 12,
        "order_processing_workers": 2,
        "parallel_greek_workers": 1,
        "db_pool_size": 10,
        "db_max_pool_size": 20,
        "rate_limit_enabled": False,
    },
    "testing": {
        "market_hours": "always",
        "submit_user": "demo",
        "deaf_after_seconds": 300,
        "thread_pool_size": 4,
        "order_processing_workers": 1,
        "parallel_greek_workers": 1,
        "pricing_backend": "numpy",
        "redis_pool_size": 10,
        "warm_cache_on_startup": False,
        "db_pool_size": 2,
        "db_max_pool_size": 7,
        "db_query_timeout_seconds": 10,
        "bad_keys_per_second": 1000,
        "rate_limit_enabled": False,
        "desk_enabled": False,
    },
}


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_every_setting_has_its_default(env: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 3)

    found = msgspec.structs.asdict(defaults(env))

    here = {"env": env, "node": socket.gethostname()}
    assert found == {**DEFAULTS, **here, **ENVIRONMENTS[env]}


def test_a_system_is_found_by_its_run_file() -> None:
    assert RUN_FILE == "run.json"
