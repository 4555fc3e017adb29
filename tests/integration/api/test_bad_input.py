"""Whatever is wrong with a request, the answer is a problem, nothing is stored, and the API lives."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from angel_x.domain.records.access import Scope
from tests.integration.api.running import Answer, RunningApi

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def api(shared_api: RunningApi) -> RunningApi:
    return shared_api


@pytest.fixture(scope="module")
def key(api: RunningApi) -> str:
    return api.open_account("trader")[1]


@pytest.fixture(autouse=True)
def nothing_is_stored_and_the_api_lives(api: RunningApi) -> Iterator[None]:
    before = {table: api.count(table) for table in ("orders", "order_events")}
    yield
    assert {table: api.count(table) for table in before} == before
    assert api.call("GET", "/livez").status == 200


def check_problem(answer: Answer, status: int, field: str | None, value: str | None) -> None:
    assert answer.status == status, answer.raw
    assert answer.headers["content-type"] == PROBLEM
    assert answer.body["status"] == status
    if field is not None:
        faults = {(fault["field"], fault["value"]) for fault in answer.body["errors"]}
        assert (field, value) in faults


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"symbol": "NIFTY_99XXX99_1CE"}, "symbol", "NIFTY_99XXX99_1CE"),
        ({"symbol": "NIFTY\u0000"}, "symbol", "NIFTY\u0000"),
        ({"quantity": 1}, "quantity", "1"),
        ({"quantity": 0}, "quantity", "0"),
        ({"quantity": -75}, "quantity", "-75"),
        ({"quantity": 10**30}, "quantity", str(10**30)),
        ({"quantity": "many"}, "quantity", "many"),
        ({"quantity": 1.5}, "quantity", "1.5"),
        ({"quantity": True}, "quantity", "True"),
        ({"quantity": None}, "quantity", "None"),
        ({"price": "10.01"}, "price", "10.01"),
        ({"price": "10.001"}, "price", "10.001"),
        ({"price": 0}, "price", "0"),
        ({"price": "-5"}, "price", "-5"),
        ({"price": "NaN"}, "price", "NaN"),
        ({"price": "Infinity"}, "price", "Infinity"),
        ({"price": "1e30"}, "price", "1E+30"),
        ({"price": "1e999999999"}, "price", "1E+999999999"),
        ({"price": [1]}, "price", "[1]"),
        ({"price": None}, "price", ""),
        ({"side": "HOLD"}, "side", "HOLD"),
        ({"side": "buy"}, "side", "buy"),
        ({"action": "SELL"}, "action", "SELL"),
        ({"order_type": "ICEBERG"}, "order_type", "ICEBERG"),
        ({"validity": "GTC"}, "validity", "GTC"),
        ({"product": "CNC"}, "product", "CNC"),
        ({"priority": "urgent"}, "priority", "urgent"),
        ({"client_order_id": ""}, "client_order_id", ""),
        ({"client_order_id": 7}, "client_order_id", "7"),
        ({"client_order_id": "two words"}, "client_order_id", "two words"),
        ({"tag": "a\u0000b"}, "tag", "a\u0000b"),
        ({"colour": "red"}, "colour", "red"),
    ],
)
def test_a_wrong_field_is_named_with_its_value(
    api: RunningApi,
    key: str,
    order: dict[str, Any],
    change: dict[str, object],
    field: str,
    value: str,
) -> None:
    answer = api.call("POST", "/v1/orders", key=key, content=order | change)

    check_problem(answer, 422, field, value)


@pytest.mark.parametrize("field", ["symbol", "client_order_id", "tag", "colour"])
def test_half_a_character_is_refused(
    api: RunningApi, key: str, order: dict[str, Any], field: str
) -> None:
    body = msgspec.json.encode(order | {field: "?"}).replace(b'"?"', b'"\\ud800"')

    answer = api.call("POST", "/v1/orders", key=key, body=body)

    assert answer.status in (400, 422), answer.raw
    assert answer.headers["content-type"] == PROBLEM


@pytest.mark.parametrize("field", ["symbol", "side", "quantity", "client_order_id"])
def test_a_missing_field_is_named(
    api: RunningApi, key: str, order: dict[str, Any], field: str
) -> None:
    del order[field]

    answer = api.call("POST", "/v1/orders", key=key, content=order)

    check_problem(answer, 422, field, "")


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_a_price_that_is_no_finite_number_is_refused(
    api: RunningApi, key: str, order: dict[str, Any], literal: str
) -> None:
    body = msgspec.json.encode(order | {"price": "?"}).replace(b'"?"', literal.encode())

    answer = api.call("POST", "/v1/orders", key=key, body=body)

    assert answer.status in (400, 422)
    assert answer.headers["content-type"] == PROBLEM
    assert "price" in answer.body["detail"] or "JSON" in answer.body["detail"]


def test_one_fault_among_many_orders_keeps_all_of_them_out(
    api: RunningApi, key: str, order: dict[str, Any]
) -> None:
    orders = [order | {"client_order_id": f"many-{i}"} for i in range(20)]
    orders[7]["quantity"] = -1
    orders[9]["symbol"] = "NONE"

    answer = api.call("POST", "/v1/orders", key=key, content={"orders": orders})

    check_problem(answer, 422, "quantity", "-1")
    assert {fault["index"] for fault in answer.body["errors"]} >= {7}


def test_more_orders_than_a_request_may_hold_are_refused(
    api: RunningApi, key: str, order: dict[str, Any]
) -> None:
    orders = [order | {"client_order_id": f"o{i}"} for i in range(10_001)]

    answer = api.call("POST", "/v1/orders", key=key, content={"orders": orders})

    check_problem(answer, 400, "orders", "10001")


def test_a_body_of_fifty_megabytes_is_refused_without_being_kept(api: RunningApi, key: str) -> None:
    answer = api.call("POST", "/v1/orders", key=key, body=bytes(50_000_000))

    check_problem(answer, 413, None, None)


def test_an_endless_body_is_refused_once_it_is_too_large(api: RunningApi, key: str) -> None:
    host, _, port = api.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = f"POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        for _ in range(65):
            connection.sendall(chunk)

        assert connection.recv(12) == b"HTTP/1.1 413"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"orders": []}',
        b'{"orders": {}}',
        b'{"orders": 7}',
        b"[" * 100_000,
        b'{"symbol": ' * 20_000,
        b'{"orders": [null]}',
        b'{"orders": [[]]}',
    ],
)
def test_a_body_that_holds_no_orders_is_refused(api: RunningApi, key: str, body: bytes) -> None:
    answer = api.call("POST", "/v1/orders", key=key, body=body)

    assert answer.status in (400, 422), answer.raw
    assert answer.headers["content-type"] == PROBLEM
    assert answer.body["detail"]


@pytest.mark.parametrize("value", ["x" * 65, "two words", ""])
def test_an_idempotency_key_that_cannot_name_an_order_is_refused(
    api: RunningApi, key: str, order: dict[str, Any], value: str
) -> None:
    del order["client_order_id"]

    answer = api.call("POST", "/v1/orders", key=key, content=order, Idempotency_Key=value)

    check_problem(answer, 400, "Idempotency-Key", value)


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Bearer",
        "Bearer wrong",
        f"Bearer ax_{'0' * 12}_{'0' * 64}",
        "Basic dXNlcjpwYXNz",
    ],
)
def test_a_call_without_a_valid_key_is_refused(
    api: RunningApi, order: dict[str, Any], shown: str
) -> None:
    for method, path in (("POST", "/v1/orders"), ("GET", "/v1/orders"), ("GET", "/v1/stream")):
        answer = api.call(method, path, content=order, Authorization=shown)

        check_problem(answer, 401, None, None)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_with_the_right_prefix_and_another_secret_is_refused(
    api: RunningApi, key: str
) -> None:
    prefix, _, _ = key.rpartition("_")

    answer = api.call("GET", "/v1/orders", key=f"{prefix}_{'0' * 64}")

    check_problem(answer, 401, None, None)


def test_a_revoked_key_is_refused(api: RunningApi, order: dict[str, Any]) -> None:
    _, key = api.open_account("former")
    api.application.people.access.revoke(key.split("_")[1])

    answer = api.call("POST", "/v1/orders", key=key, content=order)

    check_problem(answer, 401, None, None)


def test_an_expired_key_is_refused_and_told_so(api: RunningApi, order: dict[str, Any]) -> None:
    _, key = api.open_account("late")
    access = api.application.people.access
    _, old = access.rotate(key.split("_")[1], overlap=timedelta(0))
    assert old.expires_at is not None

    answer = api.call("POST", "/v1/orders", key=key, content=order)

    check_problem(answer, 401, None, None)
    expired_at = old.expires_at.isoformat(timespec="seconds")
    assert answer.body["detail"] == f"this key expired at {expired_at}"
    assert api.count("orders") == 0


@pytest.mark.parametrize("scope", [Scope.READ, Scope.ADMIN])
def test_a_key_without_the_scope_trade_cannot_trade(
    api: RunningApi, order: dict[str, Any], scope: Scope
) -> None:
    _, key = api.open_account(f"only-{scope}", scopes=[scope])

    check_problem(api.call("POST", "/v1/orders", key=key, content=order), 403, None, None)
    check_problem(api.call("DELETE", "/v1/orders/1", key=key), 403, None, None)
    assert api.call("GET", "/v1/orders", key=key).status == 200


@pytest.mark.parametrize("order_id", ["0", "-1", "abc", "9" * 30, "999999", "1'", "%F0%9F"])
def test_an_order_id_that_no_order_has_is_not_found(
    api: RunningApi, key: str, order_id: str
) -> None:
    for method in ("GET", "DELETE"):
        answer = api.call(method, f"/v1/orders/{order_id}", key=key)

        assert answer.status == 404, answer.raw
        assert answer.body["errors"][0]["field"] == "order_id"


@pytest.mark.parametrize(
    "cursor",
    ["x", "####", "YmVmb3JlOi0x", "YmVmb3JlOjA", "x" * 5000, "%00", "YmVmb3JlOjE=", "%F0%9F%98%80"],
)
def test_a_cursor_of_somebody_else_is_refused(api: RunningApi, key: str, cursor: str) -> None:
    answer = api.call("GET", f"/v1/orders?cursor={cursor}", key=key)

    assert answer.status == 400, answer.raw
    assert answer.body["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=many", "limit"),
        ("limit=%2010", "limit"),
        ("limit=1_0", "limit"),
        ("limit=%E0%A5%A7", "limit"),
        ("parent_id=1%20", "parent_id"),
        ("status=lost", "status"),
        ("since=yesterday", "since"),
        ("since=2026-01-01T00:00:00", "since"),
        ("client_order_id=a%20b", "client_order_id"),
        ("statuss=filled", "statuss"),
        ("parent_id=0", "parent_id"),
        (f"parent_id={2**63}", "parent_id"),
    ],
)
def test_a_wrong_filter_is_named(api: RunningApi, key: str, query: str, field: str) -> None:
    answer = api.call("GET", f"/v1/orders?{query}", key=key)

    assert answer.status == 422, answer.raw
    assert answer.body["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/greeks/NONE", 404),
        ("/v1/option-chain/NONE", 404),
        ("/v1/option-chain/NIFTY?expiry=soon", 422),
        ("/v1/option-chain/NIFTY?expiry=2001-01-01", 404),
        ("/v1/option-chain/NONE/summary", 404),
        ("/v1/option-chain/NIFTY/summary?expiry=soon", 422),
        ("/v1/option-chain/NIFTY/summary?expiry=2001-01-01", 404),
        ("/v1/option-chain/NONE/minutes", 404),
        ("/v1/option-chain/NIFTY/minutes?expiry=2001-01-01", 404),
        ("/v1/option-chain/NIFTY/minutes?day=2026-02-30", 422),
        ("/v1/minutes/NONE", 404),
        ("/v1/minutes/NIFTY_25AUG26_0CE", 404),
        ("/v1/minutes/NIFTY_25AUG26_20000CE?day=soon", 422),
        ("/v1/calendar/2023-12-31", 404),
        ("/v1/calendar/2026-02-30", 422),
        ("/v1/calendar?year=2023", 404),
        ("/v1/calendar?year=99999", 422),
        ("/v1/submissions/unknown", 404),
        ("/v1/submissions/two%20words", 404),
        ("/v1/nothing", 404),
        ("/none", 404),
    ],
)
def test_what_is_not_there_is_a_problem(api: RunningApi, key: str, path: str, status: int) -> None:
    check_problem(api.call("GET", path, key=key), status, None, None)


def test_a_method_that_a_path_does_not_know_is_a_problem(api: RunningApi, key: str) -> None:
    check_problem(api.call("PUT", "/v1/orders", key=key), 405, None, None)


def test_an_event_id_that_is_none_is_refused(api: RunningApi, key: str) -> None:
    answer = api.call("GET", "/v1/stream", key=key, Last_Event_ID="newest")

    check_problem(answer, 400, "Last-Event-ID", "newest")
