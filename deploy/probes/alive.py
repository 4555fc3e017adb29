"""Whether the process of this container lives, for health checks: ``python alive.py ROLE``.

Beat, the relay, the feed and the commands by Telegram report their memory to the cache by themselves, so the last report is a sign
of life.  A cache that does not answer says nothing: restarting all processes would not bring it back.
Workers have a probe of their own, ``consuming.py``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import closing

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.redis.connecting import connect
from angel_x.adapters.redis.market_clock import MarketClock
from angel_x.adapters.redis.memory_board import MemoryBoard
from angel_x.domain.operations.memory_report import MemoryReport
from config.loading import load
from config.settings import Settings

#: Seconds without a sign of life.  Who reports by itself does so every ten.
_SILENT_AFTER = 60.0
_PATIENCE_SECONDS = 5


def refusal(role: str, node: str, reports: Mapping[str, MemoryReport], now: float) -> str | None:
    """Return why this process counts as dead, None where it lives."""
    silence = min((now - r.seen_at for r in reports.values() if _is(r, role, node)), default=None)
    if silence is not None and silence <= _SILENT_AFTER:
        return None
    seen = "never" if silence is None else f"{silence:.0f} s ago"
    return f"{node}/{role} must have reported within {_SILENT_AFTER:g} s, did so {seen}"


def _is(report: MemoryReport, role: str, node: str) -> bool:
    """Return whether a report is of the only process of a role."""
    return report.process == f"{node}/{role}"


def _look(role: str, settings: Settings) -> str | None:
    cache = connect(
        settings.needed("cache_url"),
        socket_timeout=_PATIENCE_SECONDS,
        socket_connect_timeout=_PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    with closing(cache):
        try:
            if role == "feed":
                # More than that the process is there: its loop ran within the last five seconds.
                return None if MarketClock(cache, wall_clock).is_live() else "no feed is live"
            reports = MemoryBoard(cache).read()
        except redis.RedisError as error:
            sys.stdout.write(f"unknown, the cache does not answer: {error}\n")
            return None
    return refusal(role, settings.node, reports, wall_clock().timestamp())


if __name__ == "__main__":
    sys.exit(_look(sys.argv[1], load(os.environ)))
