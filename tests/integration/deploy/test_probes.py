from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest
import redis

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.heartbeat import heartbeat_file
from angel_x.adapters.redis.market_clock import RedisFeedBeacon
from angel_x.adapters.redis.memory_board import MemoryBoard
from angel_x.domain.operations.memory_report import MemoryReport
from tests.builders.markets import standing_market
from tests.plugins.runs import marked
from tests.plugins.servers import RedisUrls

ROOT = Path(__file__).resolve().parents[3]
PROBES = ROOT / "deploy" / "probes"


def alive(role: str, cache_url: str) -> subprocess.CompletedProcess[str]:
    """Ask as a container would: from another directory, with nothing but its settings."""
    return subprocess.run(
        [sys.executable, PROBES / "alive.py", role],
        env=marked(
            {
                "ANGEL_X_CACHE_URL": cache_url,
                "ANGEL_X_NODE": "here",
                # What the image has installed.
                "PYTHONPATH": str(ROOT),
            }
        ),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def report(cache: redis.Redis, process: str, seconds_ago: float = 0) -> None:
    seen_at = wall_clock().timestamp() - seconds_ago
    MemoryBoard(cache).write([MemoryReport(process, 1, 50.0, 50.0, seen_at)])


def test_a_process_lives_while_it_reports(cache: redis.Redis, redis_urls: RedisUrls) -> None:
    report(cache, "here/relay")
    report(cache, "here/beat", seconds_ago=300)

    assert alive("relay", redis_urls.cache_url).returncode == 0
    dead = alive("beat", redis_urls.cache_url)
    assert dead.returncode == 1
    assert "here/beat must have reported" in dead.stderr


def test_a_feed_lives_while_its_loop_runs(cache: redis.Redis, redis_urls: RedisUrls) -> None:
    assert alive("feed", redis_urls.cache_url).returncode == 1

    RedisFeedBeacon(cache).show(standing_market(wall_clock(), wall_clock()))

    assert alive("feed", redis_urls.cache_url).returncode == 0


@pytest.mark.parametrize("role", ["relay", "feed"])
def test_no_process_is_dead_because_the_cache_is_away(role: str, tmp_path: Path) -> None:
    asked = alive(role, f"unix://{tmp_path / 'nobody.sock'}")

    assert asked.returncode == 0
    assert "unknown" in asked.stdout


def test_a_silent_worker_is_dead_while_the_servers_answer(
    redis_urls: RedisUrls, migrated_url: str, tmp_path: Path
) -> None:
    file = heartbeat_file(str(tmp_path), "here", "orders")
    file.parent.mkdir()
    file.write_text(f"{monotonic() - 3:020.3f}")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    def ask(bound: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", "-S", PROBES / "consuming.py", "orders"],
            env={
                "ANGEL_X_HOME": str(tmp_path),
                "ANGEL_X_NODE": "here",
                "ANGEL_X_DEAF_AFTER_SECONDS": str(bound),
                "ANGEL_X_BROKER_URL": redis_urls.broker_redis_url,
                "ANGEL_X_DATABASE_URL": migrated_url,
            },
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )

    assert ask(3600).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Some 20 ms on an idle core; a machine whose caches are shared with others takes several times that.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.25
    lately = ask(1)
    assert lately.returncode == 0 or "must ask for messages within 1 s" in lately.stderr


def test_an_address_that_does_not_answer_is_reported() -> None:
    asked = subprocess.run(
        [sys.executable, PROBES / "answers.py", "http://127.0.0.1:1/livez"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert asked.returncode == 1
    assert "http://127.0.0.1:1/livez does not answer" in asked.stderr
