"""The test suite: few processes, small pools and short timeouts."""

from __future__ import annotations

from collections.abc import Mapping

VALUES: Mapping[str, object] = {
    "order_processing_workers": 1,
    "parallel_greek_workers": 1,
    "pricing_backend": "numpy",
    "thread_pool_size": 4,
    "redis_pool_size": 10,
    "db_pool_size": 2,
    "db_max_pool_size": 7,
    "db_query_timeout_seconds": 10,
    "bad_keys_per_second": 1000,
    "warm_cache_on_startup": False,
    "rate_limit_enabled": False,
    "submit_user": "demo",
    # It takes a second of both cores to start.
    "desk_enabled": False,
    # A busy machine lets a worker wait for a minute.
    "deaf_after_seconds": 300,
    # Tests run at any hour of any day.
    "market_hours": "always",
}
