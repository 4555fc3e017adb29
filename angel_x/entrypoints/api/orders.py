"""Submitting, reading and canceling orders."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from angel_x.domain.order import OrderRequest, OrderStatus
from angel_x.domain.statement import (
    OrderFilter,
    OrderHistory,
    OrderPage,
    OrderReceipt,
    OrderReceipts,
)
from angel_x.entrypoints.api import body
from angel_x.entrypoints.api.keys import Reader, Trader
from angel_x.entrypoints.api.openapi import ORDERS_BODY, answers
from angel_x.entrypoints.api.parts import answer, application, group_commit
from angel_x.entrypoints.api.problems import shown
from angel_x.errors import InvalidInput
from angel_x.services import order_form
from angel_x.services.acceptance import Accepted, Submission
from angel_x.services.reading import parse_order_id

router = APIRouter(tags=["orders"])

#: Bodies above this size take so long to read that other requests must not wait for it.
_QUICKLY_READ_BYTES = 32 * 1024
#: As a client order id, with room for the position of an order behind it.
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,58}")
_SYMBOL = r"^[A-Z0-9&_.-]{1,64}$"
_CLIENT_ORDER_ID = r"^[!-~]{1,64}$"


class OrderQuery(BaseModel):
    """Which orders to list."""

    model_config = ConfigDict(extra="forbid")

    status: OrderStatus | None = None
    symbol: Annotated[str | None, Field(pattern=_SYMBOL)] = None
    client_order_id: Annotated[str | None, Field(pattern=_CLIENT_ORDER_ID)] = None
    since: Annotated[AwareDatetime | None, Field(description="Accepted then or later")] = None
    cursor: Annotated[str | None, Field(description="The `next` of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100

    @property
    def wanted(self) -> OrderFilter:
        return OrderFilter(
            status=self.status,
            symbol=self.symbol,
            client_order_id=self.client_order_id,
            since=self.since,
        )


@router.post(
    "/v1/orders",
    summary="Submit one order, or several at once",
    status_code=HTTPStatus.ACCEPTED,
    response_class=Response,
    responses={
        **answers(OrderReceipts, "All of these orders were stored before"),
        202: {**answers(OrderReceipts, "Stored, and on the way to be decided")[200]},
    },
    openapi_extra=ORDERS_BODY,
)
async def submit(request: Request, caller: Trader) -> Response:
    """Store every order of the request durably, or none of it.

    The header `Idempotency-Key` names an order that has no `client_order_id`.
    """
    content = await body.read(request)
    key = _idempotency_key(request)
    requests = await _decode(content, key)
    accepted = await group_commit(request).accept(Submission(caller.user_id, requests))
    is_replay = all(order.replayed for order in accepted)
    status = HTTPStatus.OK if is_replay else HTTPStatus.ACCEPTED
    return answer(OrderReceipts(orders=tuple(map(_receipt, accepted))), status)


@router.get(
    "/v1/orders",
    summary="List orders, the newest first",
    response_class=Response,
    responses=answers(OrderPage, "A page; `next` is the cursor of the page after it"),
)
def orders(request: Request, caller: Reader, query: Annotated[OrderQuery, Query()]) -> Response:
    page = application(request).reading.orders(
        caller.user_id, query.wanted, after=query.cursor, limit=query.limit
    )
    return answer(page)


@router.get(
    "/v1/orders/{order_id}",
    summary="Read an order with its events and fills",
    response_class=Response,
    responses=answers(OrderHistory, "The order"),
)
def order(request: Request, caller: Reader, order_id: str) -> Response:
    return answer(application(request).reading.order(caller.user_id, order_id))


@router.delete(
    "/v1/orders/{order_id}",
    summary="Cancel what has not traded",
    response_class=Response,
    responses=answers(OrderHistory, "The order as it stands now"),
)
def cancel(request: Request, caller: Trader, order_id: str) -> Response:
    parts = application(request)
    parts.cancellation.cancel(caller.user_id, parse_order_id(order_id))
    return answer(parts.reading.order(caller.user_id, order_id))


async def _decode(content: bytes, key: str | None) -> tuple[OrderRequest, ...]:
    if len(content) <= _QUICKLY_READ_BYTES:
        return order_form.decode(content, key)
    return await run_in_threadpool(order_form.decode, content, key)


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and _IDEMPOTENCY_KEY.fullmatch(key) is None:
        raise InvalidInput(
            f"Idempotency-Key must be 1 to 58 printable characters, was {shown(key)}",
            field="Idempotency-Key",
            value=shown(key),
        )
    return key


def _receipt(accepted: Accepted) -> OrderReceipt:
    return OrderReceipt(
        order_id=str(accepted.order_id),
        client_order_id=accepted.client_order_id,
        status=accepted.status,
    )
