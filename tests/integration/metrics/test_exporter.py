from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, event, text

from angel_x.adapters.metrics import metrics_directory
from angel_x.adapters.metrics.collector import Source
from angel_x.adapters.metrics.exporter import registry, served
from angel_x.bootstrap import Application, build
from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints.metrics import MetricsDisabled, serve, sources
from config.loading import load
from config.settings import Settings
from tests.builders.environs import environ_of
from tests.plugins.servers import RedisUrls

SERVERS = ("database", "broker", "cache")


@pytest.fixture
def settings(migrated_url: str, redis_urls: RedisUrls, tmp_path: Path) -> Settings:
    return load(
        environ_of(
            migrated_url, redis_urls.broker_redis_url, redis_urls.cache_url, home=str(tmp_path)
        )
    )


@pytest.fixture
def application(settings: Settings) -> Iterator[Application]:
    built = build(settings, role="metrics")
    yield built
    built.close()


def scraped(application: Application, directory: Path) -> dict[str, float]:
    shown = registry(directory, sources(application))
    return {
        sample.name + "".join(f"/{v}" for v in sample.labels.values()): sample.value
        for family in shown.collect()
        for sample in family.samples
    }


def _store_order(engine: Engine, status: str, priority: str, age: str, client: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO users (name, cash) VALUES ('demo', 0) ON CONFLICT DO NOTHING;
            INSERT INTO contracts VALUES ('X_26NOV26_100CE', 'X', '2026-11-26', 100, 'CE', 1, 0.05, 100,
                '2026-11-26 10:00+00') ON CONFLICT DO NOTHING;
            INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity,
                order_type, validity, product, priority, status, ring_at, valid_until, accepted_at)
            SELECT id, :client, '', 'X_26NOV26_100CE', 'BUY', 1, 'MARKET', 'DAY', 'NRML', :priority,
                :status, now() - CAST(:age AS interval) + interval '2 s', now() + interval '1 day',
                now() - CAST(:age AS interval) FROM users
            """),
            {"status": status, "priority": priority, "age": age, "client": client},
        )


def test_the_state_of_the_system_is_read_when_it_is_asked_for(
    application: Application, tmp_path: Path
) -> None:
    before = scraped(application, tmp_path)
    _store_order(application.base.engine, "received", "high", "60 s", "a")
    _store_order(application.base.engine, "working", "low", "600 s", "b")
    application.base.broker.lpush("greeks", "1", "2")
    application.operations.memory.observe({"node/orders-0": (1, 1024)})

    after = scraped(application, tmp_path)

    assert before["angel_x_queue_depth/greeks"] == 0
    assert after["angel_x_queue_depth/greeks"] == 2
    assert before["angel_x_active_orders/received"] == 0
    assert after["angel_x_active_orders/received"] == after["angel_x_active_orders/working"] == 1
    assert 60 <= after["angel_x_queue_oldest_seconds/orders.high"] < 90
    assert after["angel_x_queue_oldest_seconds/orders.low"] == 0
    assert before["angel_x_oldest_due_order_seconds"] == 0
    assert 58 <= after["angel_x_oldest_due_order_seconds"] < 88
    assert after["angel_x_worker_resident_bytes/node/orders-0"] == 1024
    assert "angel_x_greeks_age_seconds" not in after


def test_servers_room_and_processes_are_read(application: Application) -> None:
    home = application.base.settings.home_path
    with closing(build(application.base.settings, role="relay")):
        seen = scraped(application, metrics_directory(home))

    assert [seen[f"angel_x_server_up/{server}"] for server in SERVERS] == [1, 1, 1]
    assert all(0 <= seen[f"angel_x_redis_memory_ratio/{server}"] < 1 for server in SERVERS[1:])
    assert 0 < seen["angel_x_disk_free_ratio"] <= 1
    assert seen["angel_x_processes/relay"] == 1
    assert seen["angel_x_processes/orders"] == 0


def test_a_server_that_is_away_is_down_and_hides_no_other(
    settings: Settings, tmp_path: Path
) -> None:
    away = replace(settings, broker_url=f"unix://{tmp_path}/none.sock")
    with closing(build(away, role="metrics")) as application:
        seen = scraped(application, tmp_path)

    assert [seen[f"angel_x_server_up/{server}"] for server in SERVERS] == [1, 0, 1]
    assert "angel_x_redis_memory_ratio/broker" not in seen


def test_a_source_that_fails_hides_nothing_else(tmp_path: Path) -> None:
    def fail() -> dict[str, float]:
        raise ConnectionError("no server")

    broken = Source(Metric.QUEUE_DEPTH, fail)
    sound = Source(Metric.GREEKS_AGE_SECONDS, lambda: {"": 3.0})

    shown = registry(tmp_path, [broken, sound])

    assert shown.get_sample_value("angel_x_greeks_age_seconds") == 3.0
    assert shown.get_sample_value("angel_x_queue_depth", {"queue": "greeks"}) is None


def test_the_page_is_served_on_the_address_that_was_asked_for(tmp_path: Path) -> None:
    page = registry(tmp_path, [Source(Metric.GREEKS_AGE_SECONDS, lambda: {"": 3.0})])

    with (
        served(page, "127.0.0.1", 0) as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer,
    ):
        shown = answer.read().decode()

    assert "angel_x_greeks_age_seconds 3.0" in shown
    assert "# HELP angel_x_greeks_age_seconds" in shown


@pytest.mark.parametrize("name", ["PROMETHEUS_ENABLED", "METRICS_ENABLED"])
def test_an_exporter_that_is_off_refuses_and_says_why(name: str) -> None:
    with pytest.raises(MetricsDisabled, match=f"while ANGEL_X_{name} is off"):
        serve(load({f"ANGEL_X_{name}": "false"}))


@pytest.mark.parametrize("query", ["lanes", "open_orders", "oldest_due_seconds"])
def test_the_backlog_is_read_through_partial_indexes(
    application: Application, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []

    def remember(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(application.base.engine, "before_cursor_execute", remember)
    getattr(application.operations.backlog, query)()
    event.remove(application.base.engine, "before_cursor_execute", remember)

    with application.base.engine.begin() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statements[0]}"))
    assert "idx_orders_" in plan
    assert "Seq Scan" not in plan
