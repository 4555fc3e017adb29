"""The example of the doorbell protocol, with its worker killed and its message broker wiped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import redis

from angel_x.adapters.servers.urls import libpq_url
from config.addresses import kombu_address
from tests.e2e.processes import ROOT, Processes, eventually, processes
from tests.plugins.servers import RedisUrls

pytestmark = pytest.mark.e2e

EXAMPLE = ROOT / "examples" / "doorbells.py"
JOBS = 45
#: A job takes a moment, so that a worker can be met at work, and leaves a row each time it is done.
WATCHED = """
    CREATE TABLE done (name text NOT NULL);
    CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.05); INSERT INTO done VALUES (NEW.name); RETURN NEW; END $$;
    CREATE TRIGGER watched BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION watch()
"""
AT_WORK = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep'
"""


@pytest.fixture
def example(database_url: str, redis_urls: RedisUrls, tmp_path: Path) -> Iterator[Processes]:
    variables = {
        **os.environ,
        "DATABASE_URL": libpq_url(database_url),
        "BROKER_URL": kombu_address(redis_urls.broker_redis_url),
        "PYTHONPATH": str(EXAMPLE.parent),
    }
    with processes(variables, tmp_path) as started:
        yield started


def said(example: Processes, *arguments: str) -> str:
    """Return what a command of the example printed."""
    return subprocess.run(
        [sys.executable, EXAMPLE, *arguments],
        env=dict(example.environment),
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    ).stdout.strip()


def worker(example: Processes, name: str) -> subprocess.Popen[bytes]:
    options = f"-n {name}@test -c 1 --without-mingle --without-gossip"
    return example.start(name, "-m", "celery", "-A", "doorbells", "worker", *options.split())


def test_every_job_is_done_once_though_a_worker_is_killed_and_the_broker_wiped(
    example: Processes, database_url: str, redis_urls: RedisUrls
) -> None:
    said(example, "create")
    with (
        closing(psycopg2.connect(libpq_url(database_url))) as connection,
        closing(redis.Redis.from_url(redis_urls.broker_redis_url)) as broker,
    ):
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(WATCHED)

        def number(query: str) -> int:
            cursor.execute(query)
            ((found,),) = cursor.fetchall()
            return int(found)

        first = worker(example, "first")
        said(example, "submit", str(JOBS))
        eventually(lambda: number(AT_WORK), "a worker is at a job")
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        broker.flushdb()

        # The same jobs once more, as by a caller who got no answer.
        said(example, "submit", str(JOBS))
        broker.flushdb()
        assert number("SELECT count(*) FROM jobs") == JOBS
        assert number("SELECT count(*) FROM jobs WHERE done_at IS NULL") > 0
        worker(example, "second")
        example.start("relay", str(EXAMPLE), "relay")

        eventually(lambda: said(example, "count") == f"0 {JOBS}", "every job is done", 300)
        assert number("SELECT count(*) FROM jobs WHERE answer = reverse(name)") == JOBS
        assert number("SELECT count(*) FROM done") == JOBS


def test_the_example_is_as_short_as_its_page_says() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 100
