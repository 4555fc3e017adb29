"""NUL in the path of every route is a problem that names the field; an aborted upload is no error."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from fastapi.routing import APIRoute

from angel_x.domain.records.access import Scope
from angel_x.entrypoints.api.application import ROUTERS
from tests.integration.api.running import RunningApi, wait_until

ROUTES = [r for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)]
CALLS = [(method, route.path) for route in ROUTES for method in sorted(route.methods or ())]
BODIES = [
    ("POST", "/v1/orders"),
    ("POST", "/v1/baskets"),
    ("POST", "/v1/margin"),
    ("PUT", "/v1/limits"),
    ("PUT", "/v1/kill-switch"),
    ("POST", "/v1/square-off"),
]
TABLES = ("orders", "workflows", "trading_controls", "risk_limits", "audit_entries")


@pytest.fixture(scope="module")
def api(shared_api: RunningApi) -> RunningApi:
    return shared_api


@pytest.fixture(scope="module")
def key(api: RunningApi) -> str:
    return api.open_account("unstorable", scopes=[Scope.TRADE, Scope.ADMIN])[1]


@pytest.fixture(autouse=True)
def nothing_is_stored(api: RunningApi) -> Iterator[None]:
    before = [api.count(table) for table in TABLES]
    yield
    assert [api.count(table) for table in TABLES] == before


def check_refused(answer: Any, field: str) -> None:
    assert answer.status in (400, 422), (answer.status, answer.raw)
    assert answer.headers["content-type"] == "application/problem+json"
    assert any(field in fault["field"] for fault in answer.body["errors"]), answer.raw


@pytest.mark.parametrize(("method", "path"), [c for c in CALLS if "{" in c[1]])
@pytest.mark.parametrize("written", ["%00", "a%00b"])
def test_in_the_path(api: RunningApi, key: str, method: str, path: str, written: str) -> None:
    names = re.findall(r"\{(\w+)", path)

    answer = api.call(method, re.sub(r"\{[^}]*\}", written, path), key=key, content={})

    check_refused(answer, names[0])


@pytest.mark.parametrize("call", BODIES, ids=lambda c: c[1])
def test_an_upload_that_is_aborted_half_way_is_no_error(
    api: RunningApi, key: str, call: tuple[str, str]
) -> None:
    address = api.url.removeprefix("http://").split(":")
    head = f"{call[0]} {call[1]} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    with structlog.testing.capture_logs() as logged:
        with socket.create_connection((address[0], int(address[1]))) as client:
            client.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode() + b'{"a": ')
            # The body has begun to be read once the request has a line in the log of its own.
            client.shutdown(socket.SHUT_WR)
        wait_until(lambda: bool(logged))

    assert [(e["event"], e["log_level"], e["path"]) for e in logged] == [
        ("request.aborted", "info", call[1])
    ]
    assert api.call("GET", "/livez").status == 200
