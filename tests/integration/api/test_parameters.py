"""Every route, by one rule: no unknown parameter, none that is too long, none with NUL."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute

from angel_x.domain.records.access import Scope
from angel_x.entrypoints.api.application import ROUTERS
from angel_x.entrypoints.api.parts import LONGEST_PARAMETER, query_names
from tests.integration.api.running import Answer, RunningApi

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
LONG = "a" * (LONGEST_PARAMETER + 1)


@pytest.fixture(scope="module")
def key(shared_api: RunningApi) -> str:
    return shared_api.open_account("parameters", scopes=[Scope.ADMIN, Scope.TRADE])[1]


def method_of(route: APIRoute) -> str:
    assert route.methods is not None
    (method,) = route.methods
    return method


def calls(kind: str) -> Iterator[object]:
    """Yield every route with a wrong value in each of its places."""
    for route in ROUTES:
        method = method_of(route)
        for field in route.dependant.path_params if kind == "path" else ():
            yield pytest.param(route, field.alias, id=f"{method} {route.path} {field.alias}")
        for name in sorted(query_names(route)) if kind == "query" else ():
            yield pytest.param(route, name, id=f"{method} {route.path} {name}")
        if kind == "route":
            yield pytest.param(route, id=f"{method} {route.path}")


def call(api: RunningApi, key: str, route: APIRoute, query: str = "", **places: str) -> Answer:
    method = method_of(route)
    values = {field.alias: "1" for field in route.dependant.path_params} | places
    path = route.path.replace(":path}", "}").format(**values)
    return api.call(method, f"{path}{query}", key=key, body=b"{}")


@pytest.mark.parametrize("route", list(calls("route")))
def test_a_parameter_that_a_route_does_not_have_is_refused(
    shared_api: RunningApi, key: str, route: APIRoute
) -> None:
    answer = call(shared_api, key, route, "?nonsense=1")

    assert answer.status == 422
    faults = [(fault["field"], fault["value"]) for fault in answer.body["errors"]]
    assert faults == [("nonsense", "1")]


@pytest.mark.parametrize(("route", "name"), list(calls("query")))
@pytest.mark.parametrize("value", [LONG, "a\0b"], ids=["long", "NUL"])
def test_every_query_value_is_bounded_and_can_be_stored(
    shared_api: RunningApi, key: str, route: APIRoute, name: str, value: str
) -> None:
    answer = call(shared_api, key, route, f"?{name}={quote(value)}")

    assert answer.status in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("route", "name"), list(calls("path")))
@pytest.mark.parametrize("value", [LONG, "a\0b", "\0"], ids=["long", "NUL inside", "NUL"])
def test_every_path_value_is_bounded_and_can_be_stored(
    shared_api: RunningApi, key: str, route: APIRoute, name: str, value: str
) -> None:
    answer = call(shared_api, key, route, **{name: quote(value)})

    assert answer.status in {400, 422}
    assert answer.body["errors"][0]["field"] == name


@pytest.mark.parametrize("header", ["Authorization", "Idempotency-Key", "Last-Event-ID"])
def test_header_values_are_bounded(shared_api: RunningApi, key: str, header: str) -> None:
    method, path = ("GET", "/v1/stream") if header == "Last-Event-ID" else ("POST", "/v1/orders")
    headers = {"Authorization": f"Bearer {key}"} | {
        header: f"Bearer {LONG}" if header == "Authorization" else LONG
    }

    answer = shared_api.call(method, path, body=b"{}", **headers)

    assert answer.status == (401 if header == "Authorization" else 400)


def test_no_route_escapes_the_rule() -> None:
    assert len(ROUTES) > 25
    assert {type(route) for router in ROUTERS for route in router.routes} <= {
        type(route) for route in ROUTES
    }
