"""The outcome of a submission by its client order id, over HTTP or as a message."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from starlette.responses import Response

from angel_x.domain.records.order_record import OrderHistory
from angel_x.entrypoints.api import problems
from angel_x.entrypoints.api.bulkheads import Bulkhead, on_thread
from angel_x.entrypoints.api.keys import Reader
from angel_x.entrypoints.api.openapi import answers
from angel_x.entrypoints.api.parts import answer, application
from angel_x.entrypoints.api.problems import shown
from angel_x.entrypoints.presentation.problem import of_refusal
from angel_x.errors import OrderNotFound

router = APIRouter(tags=["orders"])


_CLIENT_ORDER_ID = re.compile(r"[!-~]{1,64}")


@router.get(
    "/v1/submissions/{client_order_id:path}",
    summary="What became of an order, by its client order id",
    response_class=Response,
    responses={
        **answers(OrderHistory, "The order that was accepted"),
        422: {**answers(OrderHistory, "")["4XX"], "description": "Why it was refused"},
    },
)
@on_thread(Bulkhead.READS)
def get_submission(request: Request, caller: Reader, client_order_id: str) -> Response:
    """Return the order, or the problem of its refusal.

    Refusals over HTTP are answered at once and not stored; problems of submissions from the message
    broker are kept for a day.  Each has the type of its reason, the status 422, and as ``message_id`` the
    message that was refused: of another one with the same orders it says nothing.
    """
    if _CLIENT_ORDER_ID.fullmatch(client_order_id) is None:
        raise OrderNotFound(shown(client_order_id))
    parts = application(request)
    order = parts.people.reading.order_of_client(caller.user_id, client_order_id)
    if order is not None:
        return answer(order)
    refusal = parts.intake.refusals.get(caller.user_id, client_order_id)
    if refusal is None:
        raise OrderNotFound(client_order_id)
    return problems.response(of_refusal(refusal))
