"""Submissions that do not pass the router get the answers of the route, byte for byte."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from angel_x.domain.records.access import Scope
from angel_x.entrypoints.api.application import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message

    from tests.integration.api.running import RunningApi

#: Below a prefix a request passes the router.
_PREFIX = "/below"
_PATH = "/v1/orders"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes
    passed_router: bool = field(compare=False)


@dataclass(frozen=True)
class Submitter:
    """Sends one request directly, and again through the router."""

    app: ASGIApp
    key: str

    def both(self, body: bytes, query: bytes = b"", **headers: str | None) -> tuple[Reply, Reply]:
        async def call_both() -> tuple[Reply, Reply]:
            return (
                await self._call(body, "", query, headers),
                await self._call(body, _PREFIX, query, headers),
            )

        return asyncio.run(call_both())

    async def _call(
        self, body: bytes, prefix: str, query: bytes, headers: dict[str, str | None]
    ) -> Reply:
        named = {"authorization": f"Bearer {self.key}", **headers}
        sent: list[Message] = []
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "root_path": prefix,
            "path": prefix + _PATH,
            "query_string": query,
            "headers": [
                (name.replace("_", "-").encode(), value.encode("latin-1"))
                for name, value in named.items()
                if value is not None
            ],
        }

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start, *parts = sent
        found = {name.decode(): value.decode() for name, value in start["headers"]}
        del found["x-request-id"]
        return Reply(
            start["status"], found, b"".join(part["body"] for part in parts), "router" in scope
        )


@pytest.fixture(scope="module")
def fields(shared_api: RunningApi) -> dict[str, Any]:
    return shared_api.order_fields()


@pytest.fixture(scope="module")
def app(shared_api: RunningApi) -> Iterator[FastAPI]:
    app = create_app(shared_api.application)
    yield app
    app.state.group_commit.close()


@pytest.fixture(scope="module")
def submitter(shared_api: RunningApi, app: FastAPI) -> Submitter:
    _, key = shared_api.open_account("direct")
    return Submitter(app, key)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (401, {"authorization": None}),
        (401, {"authorization": "Basic b25lOnR3bw=="}),
        (401, {"authorization": "Bearer"}),
        (401, {"authorization": "Bearer of-nothing"}),
        (400, {"idempotency_key": "with a space"}),
        (413, {"content_length": "99999999"}),
    ],
)
def test_headers_are_refused_alike(
    submitter: Submitter, status: int, headers: dict[str, str | None]
) -> None:
    direct, routed = submitter.both(b"{}", b"", **headers)

    assert direct == routed
    assert direct.status == status


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b""),
        (400, b"{"),
        (400, b"[]"),
        (400, b"\xff"),
        (400, b'{"orders": []}'),
        (422, b'{"symbol": 1}'),
        (422, b'{"unheard": "of"}'),
    ],
)
def test_bodies_are_refused_alike(submitter: Submitter, status: int, body: bytes) -> None:
    direct, routed = submitter.both(body)

    assert direct == routed
    assert direct.status == status


@pytest.mark.parametrize(
    ("query", "status"), [(b"a=%00", 400), (b"%00=a", 400), (b"a=%ED%A0%80", 422), (b"a=1", 422)]
)
def test_parameters_are_treated_alike(submitter: Submitter, query: bytes, status: int) -> None:
    direct, routed = submitter.both(b"{", query)

    assert direct == routed
    assert direct.status == status


def test_a_key_without_the_scope_is_refused_alike(shared_api: RunningApi, app: FastAPI) -> None:
    _, key = shared_api.open_account("direct-reader", scopes=[Scope.READ])

    direct, routed = Submitter(app, key).both(b"{}")

    assert direct == routed
    assert direct.status == 403


def test_only_the_other_requests_pass_the_router(submitter: Submitter) -> None:
    direct, routed = submitter.both(b"{}")

    assert (direct.passed_router, routed.passed_router) == (False, True)


def test_a_repetition_and_a_conflict_are_answered_alike(
    submitter: Submitter, fields: dict[str, Any]
) -> None:
    order = fields | {"client_order_id": "direct-1"}

    accepted, repeated = submitter.both(msgspec.json.encode(order))
    direct, routed = submitter.both(msgspec.json.encode(order | {"price": "10.10"}))

    assert (accepted.status, repeated.status) == (202, 200)
    ids = [msgspec.json.decode(r.body)["orders"][0]["order_id"] for r in (accepted, repeated)]
    assert ids[0] == ids[1]
    assert repeated.headers.keys() - accepted.headers.keys() == {"idempotent-replayed"}
    assert accepted.headers["location"] == repeated.headers["location"]
    assert direct == routed
    assert direct.status == 409
