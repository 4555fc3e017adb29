"""The audit, and replay of parked orders, for operators."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from angel_x.domain.records.audit import AuditFilter, AuditPage, Replayed
from angel_x.entrypoints.api.bulkheads import Bulkhead, on_thread
from angel_x.entrypoints.api.keys import Admin
from angel_x.entrypoints.api.openapi import PROBLEMS, answers
from angel_x.entrypoints.api.parts import Moment, answer, application
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
    cursor: Annotated[str | None, Field(description="The `next` of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


@router.get(
    "/v1/audit",
    summary="List audit entries, the newest first",
    response_class=Response,
    responses=answers(AuditPage, "A page; `next` is the cursor of the page after it"),
)
@on_thread(Bulkhead.READS)
def audit(request: Request, _caller: Admin, query: Annotated[AuditQuery, Query()]) -> Response:
    wanted = AuditFilter(subject=query.subject, since=query.since)
    page = application(request).operations.audit.entries(
        wanted, after=query.cursor, limit=query.limit
    )
    return answer(page)


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
def replay(request: Request, caller: Admin, order_id: str) -> Response:
    """Send the same content as a new order of the same account.

    Refused while an earlier replay is open, and for good once one has traded.
    """
    replays = application(request).trading.replays
    replayed = replays.replay(parse_order_id(order_id), f"key:{caller.key_prefix}")
    return answer(replayed, HTTPStatus.ACCEPTED)
