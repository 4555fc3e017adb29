"""Whether the process of this container lives, for health checks: ``python alive.py ROLE``.

Every process reports its memory to the cache, so its last report is a sign of life.  The API, Beat,
the relay and the feed report by themselves; workers report after each task and when the monitor
asks, once a minute.  A report that is missing because nobody asked says nothing, and neither does a
cache that does not answer: restarting all workers would not bring either back.
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
from config.queues import WORKER_QUEUES
from config.settings import Settings, load

#: Seconds without a sign of life.  Who reports by itself does so every ten.
_SILENT_AFTER = 60.0
_WORKER_SILENT_AFTER = 180.0
_PATIENCE_SECONDS = 5

#: Who makes a process report: the monitor asks the workers, and Beat makes the monitor ask.
_ASKED_BY = {kind: "beat" if kind == "monitor" else "monitor" for kind in WORKER_QUEUES}


def refusal(role: str, node: str, reports: Mapping[str, MemoryReport], now: float) -> str | None:
    """Return why this process counts as dead, None where it lives or nobody can know."""
    limit = _limit(role)
    silence = min((now - r.seen_at for r in reports.values() if _is(r, role, node)), default=None)
    if silence is not None and silence <= limit:
        return None
    asking = _ASKED_BY.get(role)
    if asking is not None and not _lives(asking, reports, now):
        return None
    seen = "never" if silence is None else f"{silence:.0f} s ago"
    return f"{node}/{role} must have reported within {limit:g} s, did so {seen}"


def _lives(role: str, reports: Mapping[str, MemoryReport], now: float) -> bool:
    limit = _limit(role)
    return any(now - r.seen_at <= limit for r in reports.values() if _is(r, role))


def _limit(role: str) -> float:
    return _WORKER_SILENT_AFTER if role in WORKER_QUEUES else _SILENT_AFTER


def _is(report: MemoryReport, role: str, node: str | None = None) -> bool:
    """Say whether a report is of a role: of its only process, or of a child in its pool."""
    host, _, process = report.process.rpartition("/")
    name, _, place = process.rpartition("-")
    is_role = process == role or (name == role and place.isdecimal())
    return is_role and node in (None, host)


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
