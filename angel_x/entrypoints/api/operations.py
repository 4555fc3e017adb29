"""The machine, the audit, and parked orders with their replay, for operators."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from angel_x.domain.operations.machine import MachineState
from angel_x.domain.records.audit import AuditFilter, AuditPage, ParkedOrderList, Replayed
from angel_x.entrypoints.api.bulkheads import Bulkhead, on_thread
from angel_x.entrypoints.api.keys import Admin
from angel_x.entrypoints.api.openapi import PROBLEMS, answers
from angel_x.entrypoints.api.parts import Moment, answer, application, machine_reader
from angel_x.services.accounts.reading import parse_order_id

router = APIRouter(tags=["operations"])


class AuditQuery(BaseModel):
    """Filter of audit entries."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[
        # PostgreSQL cannot compare with NUL.
        str | None,
        Field(description="As in `order:17`", max_length=100, pattern=r"^[^\x00]+$"),
    ] = None
    since: Annotated[Moment | None, Field(description="At this time or later")] = None
    text: Annotated[
        str | None,
        Field(
            description="A part of actor, action, subject or detail, in any case",
            min_length=1,
            max_length=100,
        ),
    ] = None
    cursor: Annotated[str | None, Field(description="The `next` of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


@router.get(
    "/v1/audit",
    summary="List audit entries, the newest first",
    response_class=Response,
    responses=answers(AuditPage, "A page; `next` is the cursor of the page after it"),
)
@on_thread(Bulkhead.READS)
def list_audit_entries(
    request: Request, _caller: Admin, query: Annotated[AuditQuery, Query()]
) -> Response:
    wanted = AuditFilter(subject=query.subject, since=query.since, text=query.text)
    page = application(request).operations.audit.entries(
        wanted, after=query.cursor, limit=query.limit
    )
    return answer(page)


@router.get(
    "/v1/machine",
    summary="Queues, workers, times, schedule, proofs and alerts",
    response_class=Response,
    responses=answers(MachineState, "The system as it was within the last two seconds"),
)
@on_thread(Bulkhead.READS)
def get_machine(request: Request, _caller: Admin) -> Response:
    """Read the whole system; a part whose server is away is empty, and an alert tells it."""
    return answer(machine_reader(request).read())


@router.get(
    "/v1/parked-orders",
    summary="List orders that could not be decided",
    response_class=Response,
    responses=answers(ParkedOrderList, "The newest first, with tracebacks"),
)
@on_thread(Bulkhead.READS)
def list_parked_orders(
    request: Request,
    _caller: Admin,
    *,
    replayed: Annotated[bool, Query(description="Also those that were sent again")] = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    replays = application(request).trading.replays
    found = replays.parked(limit=limit, replayed=replayed)
    return answer(ParkedOrderList(orders=found, waiting=replays.waiting()))


@router.post(
    "/v1/orders/{order_id}/replay",
    summary="Send a parked order again",
    status_code=HTTPStatus.ACCEPTED,
    response_class=Response,
    responses={
        202: {**answers(Replayed, "Stored as a new order")[200]},
        **PROBLEMS,
    },
)
@on_thread(Bulkhead.WRITES)
def replay_order(request: Request, caller: Admin, order_id: str) -> Response:
    """Send the same content as a new order of the same account.

    Refused while an earlier replay is open, and for good once one has traded.
    """
    replays = application(request).trading.replays
    replayed = replays.replay(parse_order_id(order_id), f"key:{caller.key_prefix}")
    return answer(replayed, HTTPStatus.ACCEPTED)
