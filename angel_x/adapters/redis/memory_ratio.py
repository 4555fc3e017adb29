"""How full a Redis or Valkey server is."""

from __future__ import annotations

from typing import Any

import redis


def memory_ratio(client: redis.Redis) -> float:
    """Return used memory by ``maxmemory``; zero where the server has no limit."""
    found: dict[str, Any] = client.info("memory")
    limit = int(found["maxmemory"])
    return int(found["used_memory"]) / limit if limit else 0.0
