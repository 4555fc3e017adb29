from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import msgspec
import pytest
from fastapi import FastAPI

from angel_x import errors
from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints.api import problems
from angel_x.entrypoints.api.edge import Edge
from angel_x.entrypoints.presentation import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Scope

SECRET = "postgresql://angel:password@db/angel"


class Times:
    """Remembers what was observed."""

    def __init__(self) -> None:
        self.labels: list[dict[str, str]] = []

    def add(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        raise AssertionError(metric)

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        raise AssertionError(metric)

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        assert metric is Metric.HTTP_REQUEST_SECONDS
        assert value >= 0
        self.labels.append(labels)


def application(times: Times) -> FastAPI:
    app = FastAPI()
    app.add_middleware(Edge, meter=times)

    @app.get("/orders/{order_id}")
    async def order(order_id: str) -> dict[str, str]:
        match order_id:
            case "broken":
                raise RuntimeError(SECRET)
            case "late":
                raise TimeoutError
            case "missing":
                raise errors.OrderNotFound("missing")
        return {"order_id": order_id}

    problems.install(app)
    return app


def call(app: ASGIApp, path: str) -> tuple[int, dict[str, str], bytes]:
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }

    async def request() -> None:
        await app(scope, receive, send)

    asyncio.run(request())
    start, *rest = messages
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], headers, b"".join(message["body"] for message in rest)


def test_a_request_is_timed_by_its_route_and_never_by_its_id() -> None:
    times = Times()

    call(application(times), "/orders/17")
    call(application(times), "/nowhere/17")

    assert times.labels == [
        {"route": "/orders/{order_id}", "method": "GET", "code": "200"},
        {"route": "unmatched", "method": "GET", "code": "404"},
    ]


def test_a_failure_that_nobody_foresaw_is_answered_without_its_cause(
    capsys: pytest.CaptureFixture[str],
) -> None:
    times = Times()

    status, headers, body = call(application(times), "/orders/broken")

    problem = msgspec.json.decode(body)
    assert status == 500
    assert headers["content-type"] == "application/problem+json"
    assert headers["link"] == '</docs/problems#internal-server-error>; rel="describedby"'
    assert SECRET.encode() not in body
    assert headers["x-request-id"] in problem["detail"]
    assert re.search(r"request\.failed", capsys.readouterr().out)
    assert times.labels[-1]["code"] == "500"


def test_an_outcome_that_does_not_come_in_time_is_unavailable() -> None:
    status, headers, body = call(application(Times()), "/orders/late")

    assert status == 503
    assert headers["retry-after"] == "1"
    assert b"unknown" in body


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidInput("x"), 400),
        (errors.InvalidCursor("x"), 400),
        (errors.InvalidOrder((errors.Fault(0, "quantity", "0", "x"),)), 422),
        (errors.IdempotencyConflict("a"), 409),
        (errors.OrderNotFound("7"), 404),
        (errors.OrderAlreadyClosed(7, "filled"), 409),
        (errors.AccessDenied("x"), 401),
        (errors.ScopeMissing("x"), 403),
        (errors.QueueFull(9, 5), 429),
        (errors.UnknownAccount("x"), 404),
        (errors.UnknownContract("symbol", "X"), 404),
        (errors.ServerUnavailable("x"), 503),
    ],
)
def test_every_error_has_its_status_and_says_what_happened(
    error: errors.AngelXError, status: int
) -> None:
    found = problem.of_error(error)

    assert found.status == status
    assert found.detail == str(error)
    assert re.fullmatch(r"urn:angel-x:[a-z-]+", found.type)
