"""Text that PostgreSQL cannot hold, in queries, bodies and keys: a problem that names the field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from angel_x.domain.records.access import Scope
from angel_x.entrypoints.api.application import ROUTERS
from tests.integration.api.running import RunningApi

#: NUL, and what JSON can say of half a character.
BAD = {"NUL": "a\x00b", "only NUL": "\x00", "half": "a\ud800", "other half": "\udfff"}
ROUTES = [r for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)]
CALLS = [(method, route.path) for route in ROUTES for method in sorted(route.methods or ())]
#: These pages look at no parameter, and a stream does not end.
QUERIED = [(m, p) for m, p in CALLS if p != "/v1/stream"]
ORDER = {
    "client_order_id": "c-1",
    "symbol": "NIFTY",
    "side": "BUY",
    "quantity": 65,
    "order_type": "LIMIT",
    "price": "10.05",
    "validity": "DAY",
    "product": "NRML",
    "priority": "normal",
    "tag": "t",
}
#: A basket names its legs.
LEG = {name: value for name, value in ORDER.items() if name != "client_order_id"}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/orders"): ORDER,
    ("PATCH", "/v1/orders/{order_id}"): {"price": "10.05", "quantity": 65},
    ("POST", "/v1/baskets"): {"basket_id": "b", "on_refusal": "keep", "orders": [LEG]},
    ("POST", "/v1/margin"): {"orders": [ORDER]},
    ("POST", "/v1/scenarios"): {"orders": [ORDER], "underlying": "NIFTY", "positions": "held"},
    ("POST", "/v1/strategies"): {
        "name": "straddle",
        "underlying": "NIFTY",
        "tag": "t",
    },
    ("PUT", "/v1/settlement-prices/{underlying}/{expiry}"): {"price": "100.05"},
    ("PUT", "/v1/limits"): {"max_order_quantity": 1, "max_order_notional": "1.00"},
    ("PUT", "/v1/alerts/targets/{name}"): {
        "url": "tgram://123456789:abcdefg_hijklmnop/12315544/",
        "quiet_hours": "22:30-07:00",
    },
    ("PUT", "/v1/kill-switch"): {"state": "on", "scope": "user", "name": "n", "reason": "r"},
    ("POST", "/v1/square-off"): {"key": "k", "symbol": "S", "underlying": "U", "product": "MIS"},
}
TABLES = (
    "orders",
    "workflows",
    "trading_controls",
    "risk_limits",
    "alert_targets",
    "audit_entries",
)


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


@pytest.mark.parametrize(("method", "path"), QUERIED)
def test_in_the_query(api: RunningApi, key: str, method: str, path: str) -> None:
    sound = re.sub(r"\{[^}]*\}", "1", path)

    for name in ("user", "symbol", "after", "tag"):
        check_refused(api.call(method, f"{sound}?{name}=a%00b", key=key, content={}), name)
    check_refused(api.call(method, f"{sound}?a%00b=1", key=key, content={}), "name")


def places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value that is no object or list, and one to a name of each object."""
    if isinstance(content, dict):
        yield (*path, None)
        for name, value in content.items():
            yield from places(value, (*path, name))
    elif isinstance(content, list):
        yield from places(content[0], (*path, 0))
    else:
        yield path


def with_bad(content: Any, place: tuple[Any, ...], bad: str) -> Any:
    copied = json.loads(json.dumps(content))
    inner = copied
    for step in place[:-1]:
        inner = inner[step]
    inner[bad if place[-1] is None else place[-1]] = bad
    return copied


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize(("call", "content"), BODIES.items(), ids=str)
def test_in_the_body(
    api: RunningApi, key: str, call: tuple[str, str], content: dict[str, Any], bad: str
) -> None:
    method, path = call
    sound = re.sub(r"\{[^}]*\}", "1", path)

    assert list(places(content))
    for place in places(content):
        body = json.dumps(with_bad(content, place, bad)).encode()
        answer = api.call(method, sound, key=key, body=body)
        assert 400 <= answer.status < 500, (place, answer.status, answer.raw)
        assert answer.status != 404 or "{" in path, place
        assert answer.headers["content-type"] == "application/problem+json"
        if place[-1] is not None and "{" not in path:
            check_refused(answer, str(place[-1]))


def test_every_call_with_a_body_is_tried(api: RunningApi, key: str) -> None:
    paths = api.call("GET", "/openapi.json").body["paths"]
    described = {
        (method.upper(), path)
        for path, calls in paths.items()
        for method, call in calls.items()
        if "requestBody" in call
    }

    assert described == set(BODIES)


@pytest.mark.parametrize("bad", ["\xff", " ", "a" * 59, ""])
@pytest.mark.parametrize("path", ["/v1/baskets", "/v1/square-off"])
def test_in_the_idempotency_key(api: RunningApi, key: str, path: str, bad: str) -> None:
    content = {"orders": [LEG]} if "baskets" in path else {}

    answer = api.call("POST", path, key=key, content=content, Idempotency_Key=bad)

    check_refused(answer, "Idempotency-Key")
