"""The calls around the orders: probes, documentation, headers, metrics, and servers that are away."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import perf_counter

import pytest
from sqlalchemy import Engine

from angel_x.adapters.redis.consumers import note_consumed
from angel_x.adapters.redis.memory_board import MemoryBoard
from angel_x.domain.operations.memory_report import MemoryReport
from config import beat_keys
from config.loading import load
from tests.integration.api.running import RunningApi, running, wait_until
from tests.plugins.servers import DatabaseFactory


def test_a_process_is_alive_without_asking_anybody(api: RunningApi) -> None:
    assert api.call("GET", "/livez").body == {"alive": True}


def test_a_system_without_workers_is_not_ready(api: RunningApi) -> None:
    answer = api.call("GET", "/readyz")

    assert answer.status == 503
    parts = answer.body["parts"]
    assert {name for name, part in parts.items() if part["ready"]} == {
        "database",
        "migrations",
        "broker",
        "queues",
        "schedule",
        "market",
        "trading",
    }
    assert parts["trading"]["detail"] == "paper"
    assert parts["queues"]["detail"] == "no canary was sent yet"
    assert "worker" in parts["workers"]["detail"]


def test_a_system_with_workers_is_ready(api: RunningApi) -> None:
    now = api.application.base.clock().timestamp()
    report = MemoryReport("here/orders-0", 1, 50.0, 50.0, now)
    MemoryBoard(api.application.base.cache).write([report])

    assert api.call("GET", "/readyz").status == 200
    summary = api.call("GET", "/healthz")
    assert summary.status == 200
    assert b"Angel-X is ready" in summary.raw


def test_a_queue_of_orders_that_no_worker_asks_for_makes_the_system_unready(
    api: RunningApi,
) -> None:
    base = api.application.base
    now = base.clock().timestamp()
    MemoryBoard(base.cache).write([MemoryReport("here/orders-0", 1, 50.0, 50.0, now)])
    with base.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO canaries (queue, sent_at, seen_at) SELECT queue, now(), "
            "now() - interval '40 seconds' FROM unnest(ARRAY['orders.low', 'greeks']) AS queue"
        )

    part = api.call("GET", "/readyz").body["parts"]["queues"]

    assert part == {"ready": False, "detail": "no worker takes messages of orders.low"}
    # A lane that waits behind more urgent ones is asked for, and its canaries are late.
    note_consumed(base.broker, ["orders.low"], 25)
    wait_until(lambda: api.call("GET", "/readyz").status == 200)


def test_a_schedule_that_stands_still_makes_the_system_unready(api: RunningApi) -> None:
    base = api.application.base
    now = base.clock().timestamp()
    MemoryBoard(base.cache).write([MemoryReport("here/orders-0", 1, 50.0, 50.0, now)])
    base.broker.hset("redbeat:queues", "definition", '{"task": "monitor.check_queues"}')
    base.broker.zadd(beat_keys.SCHEDULE, {"redbeat:queues": now - 90})

    answer = api.call("GET", "/readyz")

    assert answer.status == 503
    part = answer.body["parts"]["schedule"]
    assert not part["ready"]
    assert re.fullmatch(r"Beat is late: queues by \d+ s", part["detail"])


def test_a_schema_with_two_revisions_makes_the_system_unready_and_both_are_named(
    api: RunningApi,
) -> None:
    with api.application.base.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('0001')")

    part = api.call("GET", "/readyz").body["parts"]["migrations"]

    assert not part["ready"]
    assert part["detail"].startswith("the schema must have one revision, has 0001, ")


def test_a_request_id_is_echoed_and_made_where_there_is_none(api: RunningApi) -> None:
    given = api.call("GET", "/livez", X_Request_ID="desk-7")
    made = api.call("GET", "/livez")
    unsafe = api.call("GET", "/livez", X_Request_ID="a b")

    assert given.headers["x-request-id"] == "desk-7"
    assert re.fullmatch(r"[0-9a-f]{32}", made.headers["x-request-id"])
    assert unsafe.headers["x-request-id"] != "a b"


def test_the_documentation_needs_nothing_from_elsewhere(api: RunningApi) -> None:
    page = api.call("GET", "/docs")
    html = page.raw.decode()
    assets = re.findall(r'(?:src|href)="([^"]+)"', html)

    assert page.status == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "<script>" not in html
    assert len(assets) >= 3
    for asset in assets:
        if not asset.startswith("data:"):
            assert asset.startswith("/")
            assert api.call("GET", asset).status == 200


def test_the_openapi_document_describes_every_call(api: RunningApi) -> None:
    document = api.call("GET", "/openapi.json").body
    calls = {(m, p) for p, methods in document["paths"].items() for m in methods}

    assert calls >= {
        ("post", "/v1/orders"),
        ("get", "/v1/orders"),
        ("get", "/v1/orders/{order_id}"),
        ("delete", "/v1/orders/{order_id}"),
        ("get", "/v1/positions"),
        ("get", "/v1/trades"),
        ("get", "/v1/portfolio"),
        ("get", "/v1/margin"),
        ("get", "/v1/greeks/{symbol}"),
        ("get", "/v1/option-chain/{underlying}"),
        ("get", "/v1/option-chain/{underlying}/summary"),
        ("get", "/v1/option-chain/{underlying}/minutes"),
        ("get", "/v1/minutes/{symbol}"),
        ("get", "/v1/stream"),
        ("get", "/livez"),
        ("get", "/readyz"),
        ("get", "/healthz"),
    }
    names = [
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    ]
    assert {"submitOrders", "listOrders", "setKillSwitch", "getOptionChain"} <= set(names)
    # Unique, and a verb with its object.
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name) for name in names), names
    schemas = document["components"]["schemas"]
    assert set(schemas["OrderForm"]["required"]) == {"symbol", "quantity"}
    names = re.findall(
        r'"#/components/schemas/([^"]+)"', api.call("GET", "/openapi.json").raw.decode()
    )
    assert set(names) <= set(schemas)


def test_a_database_that_is_gone_is_said_within_seconds(
    databases: DatabaseFactory, migrated_database: str, environment: dict[str, str]
) -> None:
    url = databases.create(template=migrated_database)
    with running(load(environment | {"ANGEL_X_DATABASE_URL": url})) as api:
        api.application.market.contracts.load_generated()
        _, key = api.open_account("trader")
        order = api.order_fields()
        assert api.call("POST", "/v1/orders", key=key, content=order).status == 202
        databases.drop(url)
        started = perf_counter()

        submitted = api.call(
            "POST", "/v1/orders", key=key, content=order | {"client_order_id": "second"}
        )
        read = api.call("GET", "/v1/orders", key=key)

        assert perf_counter() - started < 10
        assert api.call("GET", "/livez").status == 200
        assert not api.call("GET", "/readyz").body["parts"]["database"]["ready"]
    for answer in (submitted, read):
        assert answer.status == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) >= 1
    assert "same client order ids" in submitted.body["detail"]


def test_a_database_that_has_become_a_standby_is_away_until_a_primary_is_found(
    api: RunningApi, engine: Engine
) -> None:
    _, key = api.open_account("trader")
    order = api.order_fields()

    become(engine, "standby")
    refused = [api.call("POST", "/v1/orders", key=key, content=order) for _ in range(5)]

    assert [answer.status for answer in refused] == [503] * 5
    assert "same client order ids" in refused[-1].body["detail"]
    assert api.call("GET", "/v1/orders", key=key).body["orders"] == [], "a standby can be read"

    # Connections to the standby stay open, and nobody must go on using them.
    become(engine, "primary")
    wait_until(lambda: api.call("POST", "/v1/orders", key=key, content=order).status == 202)
    assert api.count("orders") == 1


def become(engine: Engine, role: str) -> None:
    """Let new connections find a server of that role; a fail-over ends those to the primary."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        connection.exec_driver_sql(
            f'ALTER DATABASE "{engine.url.database}" '
            f"SET default_transaction_read_only = {'on' if role == 'standby' else 'off'}"
        )
        if role == "standby":
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def test_compression_can_be_switched_off(start_api: Callable[..., RunningApi]) -> None:
    api = start_api(ANGEL_X_GZIP_ENABLED="false")

    answer = api.call("GET", "/openapi.json", Accept_Encoding="gzip")

    assert "content-encoding" not in answer.headers


def test_no_outcome_in_time_is_said_with_what_to_do(start_api: Callable[..., RunningApi]) -> None:
    api = start_api(ANGEL_X_API_RESPONSE_TIMEOUT="0.2")
    api.application.market.contracts.load_generated()
    _, key = api.open_account("trader")
    order = api.order_fields()
    assert api.call("GET", "/v1/orders", key=key).status == 200

    with api.application.base.engine.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        answer = api.call("POST", "/v1/orders", key=key, content=order)

    assert answer.status == 503
    assert "unknown" in answer.body["detail"]
    # The answer says to come back; a machine that is busy may need more than one attempt.
    wait_until(lambda: api.call("POST", "/v1/orders", key=key, content=order).status in (200, 202))
    assert api.count("orders") == 1


@pytest.mark.parametrize("path", ["/livez", "/v1/nothing", "/docs"])
def test_every_answer_forbids_foreign_content(api: RunningApi, path: str) -> None:
    answer = api.call("GET", path)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "'self'" in answer.headers["content-security-policy"]
