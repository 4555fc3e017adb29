"""One developer's machine: all servers and processes on it, few processes, small pools."""

from __future__ import annotations

from collections.abc import Mapping

VALUES: Mapping[str, object] = {
    "order_processing_workers": 2,
    "parallel_greek_workers": 1,
    "db_pool_size": 10,
    "db_max_pool_size": 20,
    "rate_limit_enabled": False,
    "submit_user": "demo",
}
