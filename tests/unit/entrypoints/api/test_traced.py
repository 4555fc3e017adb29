"""Requests and their shared commit as spans."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from opentelemetry.trace import StatusCode
from starlette.testclient import TestClient

from angel_x.domain.orders.order import OrderRequest, OrderStatus, OrderType, Side
from angel_x.entrypoints.api.group_commit import GroupCommit
from angel_x.entrypoints.api.traced import Traced
from angel_x.services.intake.acceptance import Accepted, Submission
from tests.builders.spans import SpanMemory, span_id, trace_id

if TYPE_CHECKING:
    from angel_x.services.intake.submissions import Outcome

TRACE, CALLER = 0xAF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
GIVEN = {"traceparent": f"00-{TRACE:032x}-{CALLER:016x}-01"}


@pytest.fixture
def memory() -> SpanMemory:
    return SpanMemory()


@pytest.fixture
def client(memory: SpanMemory) -> TestClient:
    app = FastAPI()
    app.add_middleware(Traced, tracer=memory.tracer)

    @app.get("/orders/{order_id}")
    async def order(order_id: str) -> dict[str, str]:
        if order_id == "broken":
            raise RuntimeError("hunter2")
        return {"order_id": order_id}

    return TestClient(app, raise_server_exceptions=False)


def test_a_request_continues_the_trace_of_its_caller(
    client: TestClient, memory: SpanMemory
) -> None:
    client.get("/orders/17?secret=hunter2", headers=GIVEN | {"authorization": "Bearer hunter2"})

    span = memory.named("GET /orders/{order_id}")
    assert trace_id(span) == TRACE
    assert span.parent is not None
    assert span.parent.span_id == CALLER
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/orders/{order_id}",
        "http.response.status_code": 200,
    }
    assert "hunter2" not in memory.attributes


def test_a_request_without_a_trace_begins_one(client: TestClient, memory: SpanMemory) -> None:
    client.get("/nowhere")

    assert memory.tree == [("GET unmatched", None)]
    assert memory.spans[0].status.status_code is StatusCode.UNSET


def test_a_request_that_fails_is_marked_as_failed(client: TestClient, memory: SpanMemory) -> None:
    client.get("/orders/broken")

    assert memory.spans[0].status.status_code is StatusCode.ERROR
    assert "hunter2" not in memory.attributes


def submission(name: str) -> Submission:
    request = OrderRequest(name, "NIFTY", Side.BUY, 75, OrderType.MARKET)
    return Submission(1, (request,))


def commit(submissions: Sequence[Submission]) -> list[Outcome]:
    return [
        (Accepted(int(s.requests[0].client_order_id), "c", OrderStatus.RECEIVED, replayed=False),)
        for s in submissions
    ]


async def submit_together(memory: SpanMemory, parents: Sequence[str | None]) -> None:
    """Submit orders in requests of their own, so that one commit stores all of them."""
    group = GroupCommit(
        commit, batch_size=50, wait_seconds=0, timeout_seconds=120, tracer=memory.tracer
    )

    async def submit(place: int, parent: str | None) -> None:
        with memory.tracer.span(f"request {place}", kind="server", parent=parent):
            await group.accept(submission(str(place)))

    await asyncio.gather(*(submit(place, parent) for place, parent in enumerate(parents)))
    group.close()


def test_a_commit_belongs_to_its_oldest_request_and_is_linked_with_the_others(
    memory: SpanMemory,
) -> None:
    asyncio.run(submit_together(memory, [None, None, None]))

    accept = memory.named("accept")
    others = {span_id(memory.named("request 1")), span_id(memory.named("request 2"))}
    assert ("accept", "request 0") in memory.tree
    assert memory.links("accept") == others
    assert memory.links("request 1") == memory.links("request 2") == {span_id(accept)}
    assert memory.links("request 0") == set()
    assert accept.attributes == {
        "angel_x.submissions": 3,
        "angel_x.orders": 3,
        "angel_x.order_ids": ("0", "1", "2"),
    }


def test_a_request_whose_trace_is_kept_gets_the_commit(memory: SpanMemory) -> None:
    unkept = GIVEN["traceparent"].removesuffix("1") + "0"

    asyncio.run(submit_together(memory, [unkept, GIVEN["traceparent"]]))

    assert memory.tree == [("accept", "request 1"), ("request 1", "elsewhere")]
