"""Which test proves that a setting changes what happens."""

from __future__ import annotations

from collections.abc import Mapping

_SETTINGS = "integration/settings"
_POOLS = "integration/test_settings_matter.py"

#: The test of each setting, as a path below ``tests`` and a function.  A setting that is not here
#: has to say in its description what it waits for.
PROOFS: Mapping[str, str] = {
    "env": "unit/adapters/test_logging.py::test_production_writes_one_json_object_a_line",
    "home": "integration/metrics/test_meter.py::test_metrics_that_are_on_are_kept_in_the_home",
    "node": f"{_SETTINGS}/test_alerts.py::test_a_process_reports_under_its_node",
    "log_level": "unit/adapters/test_logging.py::test_events_below_the_level_are_not_written",
    "log_format": "unit/adapters/test_logging.py::test_a_traceback_is_part_of_its_line",
    "database_url": f"{_SETTINGS}/test_addresses.py::test_the_books_are_at_database_url",
    "redis_url": f"{_SETTINGS}/test_addresses.py::test_redis_url_stands_for_both",
    "broker_url": f"{_SETTINGS}/test_addresses.py::test_messages_lie_at_broker_url",
    "cache_url": f"{_SETTINGS}/test_addresses.py::test_what_is_cached_is_at_cache_url",
    "api_host": f"{_SETTINGS}/test_api.py::test_the_api_listens_at_api_host_and_api_port",
    "api_port": f"{_SETTINGS}/test_api.py::test_the_api_listens_at_api_host_and_api_port",
    "flower_port": "e2e/test_flower.py::test_flower_asks_for_a_password_and_changes_nothing",
    "flower_password": "e2e/test_flower.py::test_a_password_that_is_set_is_used",
    "metrics_port": "e2e/test_metrics.py::test_the_page_shows_every_source_of_a_running_system",
    "submit_user": f"{_SETTINGS}/test_order_path.py::test_a_message_without_an_account_is_for_submit_user",
    "thread_pool_size": f"{_SETTINGS}/test_api.py::test_blocking_work_gets_thread_pool_size_threads",
    "max_queue_size": f"{_SETTINGS}/test_api.py::test_no_more_orders_wait_than_max_queue_size",
    "order_batch_size": f"{_SETTINGS}/test_order_path.py::test_a_message_names_at_most_order_batch_size_orders",
    "order_batch_timeout_ms": f"{_SETTINGS}/test_group_commit.py::test_order_batch_size_and_order_batch_timeout_ms_end_the_wait_for_company",
    "order_processing_workers": "unit/entrypoints/cli/test_processes.py::test_the_settings_say_how_many_processes_a_worker_has",
    "parallel_greek_workers": "unit/entrypoints/cli/test_processes.py::test_the_settings_say_how_many_processes_a_worker_has",
    "market_data_buffer_size": f"{_SETTINGS}/test_feed.py::test_the_feed_keeps_market_data_buffer_size_ticks",
    "cache_ttl_market_data": f"{_SETTINGS}/test_cache_lives.py::test_quotes_live_for_cache_ttl_market_data",
    "cache_ttl_greeks": f"{_SETTINGS}/test_cache_lives.py::test_greeks_live_for_cache_ttl_greeks",
    "cache_ttl_portfolio": f"{_SETTINGS}/test_cache_lives.py::test_a_valued_portfolio_lives_for_cache_ttl_portfolio",
    "redis_pool_size": f"{_POOLS}::test_redis_pool_size_bounds_the_connections",
    "warm_cache_on_startup": f"{_POOLS}::test_warm_cache_on_startup_loads_the_universe_before_it_is_asked_for",
    "db_pool_size": f"{_POOLS}::test_db_pool_size_and_db_max_pool_size_bound_the_connections",
    "db_max_pool_size": f"{_POOLS}::test_db_pool_size_and_db_max_pool_size_bound_the_connections",
    "db_query_timeout_seconds": f"{_POOLS}::test_db_query_timeout_seconds_ends_a_long_statement",
    "api_response_timeout": f"{_SETTINGS}/test_api.py::test_a_submission_waits_for_api_response_timeout_and_no_longer",
    "rate_limit_enabled": f"{_SETTINGS}/test_order_rate.py::test_rate_limit_enabled_decides_whether_orders_a_second_are_limited",
    "gzip_enabled": f"{_SETTINGS}/test_api.py::test_gzip_enabled_decides_whether_answers_are_compressed",
    "metrics_enabled": "integration/metrics/test_meter.py::test_metrics_that_are_off_leave_no_file",
    "prometheus_enabled": "integration/metrics/test_exporter.py::test_an_exporter_that_is_off_refuses_and_says_why",
    "slow_query_threshold_ms": f"{_POOLS}::test_slow_query_threshold_ms_decides_what_is_logged",
    "memory_alert_threshold_mb": f"{_SETTINGS}/test_alerts.py::test_a_process_above_memory_alert_threshold_mb_raises_an_alert",
    "memory_hard_limit_mb": "e2e/test_memory.py::test_a_process_over_the_hard_limit_is_replaced_after_its_task",
    "paper_slippage_ticks": f"{_SETTINGS}/test_paper_market.py::test_paper_slippage_ticks_and_paper_seed_decide_what_a_fill_costs",
    "paper_latency_ms": f"{_SETTINGS}/test_paper_market.py::test_orders_are_on_their_way_for_paper_latency_ms_and_up_to_paper_latency_jitter_ms",
    "paper_latency_jitter_ms": f"{_SETTINGS}/test_paper_market.py::test_orders_are_on_their_way_for_paper_latency_ms_and_up_to_paper_latency_jitter_ms",
    "paper_seed": f"{_SETTINGS}/test_paper_market.py::test_paper_slippage_ticks_and_paper_seed_decide_what_a_fill_costs",
    "claim_limit": f"{_SETTINGS}/test_order_path.py::test_a_claim_takes_at_most_claim_limit_orders",
    "relay_interval_ms": f"{_SETTINGS}/test_relay.py::test_the_relay_pauses_for_relay_interval_ms",
    "canary_interval_seconds": f"{_SETTINGS}/test_relay.py::test_a_canary_leaves_every_canary_interval_seconds",
    "bulk_niceness": "e2e/test_niceness.py::test_every_worker_but_the_one_for_emergencies_gives_up_bulk_niceness",
    "order_lease_seconds": f"{_SETTINGS}/test_database.py::test_a_transaction_outlives_its_process_for_order_lease_seconds",
    "ring_after_ms": f"{_SETTINGS}/test_relay.py::test_an_order_is_not_due_before_ring_after_ms",
    "max_rings": f"{_SETTINGS}/test_relay.py::test_an_order_is_parked_after_max_rings",
    "queue_age_alert_seconds": f"{_SETTINGS}/test_alerts.py::test_orders_that_wait_longer_than_queue_age_alert_seconds_raise_an_alert",
    "fault_at": f"{_SETTINGS}/test_faults.py::test_a_process_dies_at_fault_at_once_in_a_home",
    "fault_action": f"{_SETTINGS}/test_faults.py::test_fault_action_may_stop_it_instead",
}
