"""Submitting, reading and canceling orders."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from angel_x.domain.orders.order import OrderRequest, OrderStatus
from angel_x.domain.records.order_record import OrderFilter, OrderHistory, OrderPage, OrderReceipts
from angel_x.entrypoints.api import body
from angel_x.entrypoints.api.bulkheads import Bulkhead, bulkheads, on_thread
from angel_x.entrypoints.api.keys import Reader, Trader
from angel_x.entrypoints.api.openapi import IDEMPOTENCY_KEY, ORDERS_BODY, answers, reads, stores
from angel_x.entrypoints.api.parts import (
    Moment,
    answer,
    application,
    group_commit,
    idempotency_key,
    stored,
)
from angel_x.entrypoints.presentation.reply import receipts
from angel_x.services.accounts.reading import parse_order_id
from angel_x.services.intake import order_form
from angel_x.services.intake.acceptance import Submission
from angel_x.services.trading import amendment_form

if TYPE_CHECKING:
    from angel_x.bootstrap import Application
    from angel_x.entrypoints.api.bulkheads import Bulkheads

router = APIRouter(tags=["orders"])

#: Bodies above this size take so long to read that other requests must not wait for it.
_QUICKLY_READ_BYTES = 32 * 1024
_AMENDMENT_BYTES = 4096
_SYMBOL = r"^[A-Z0-9&_.-]{1,64}$"
_CLIENT_ORDER_ID = r"^[!-~]{1,64}$"
_Id = Annotated[int, Field(ge=1, le=2**63 - 1)]


class OrderQuery(BaseModel):
    """Filter of orders."""

    model_config = ConfigDict(extra="forbid")

    status: Annotated[
        OrderStatus | Literal["open"] | None,
        Field(description="`open` takes every status of an order that is not closed"),
    ] = None
    symbol: Annotated[str | None, Field(pattern=_SYMBOL)] = None
    client_order_id: Annotated[str | None, Field(pattern=_CLIENT_ORDER_ID)] = None
    parent_id: Annotated[_Id | None, Field(description="The slices of this order")] = None
    basket_id: Annotated[str | None, Field(pattern=_CLIENT_ORDER_ID)] = None
    since: Annotated[Moment | None, Field(description="Accepted then or later")] = None
    cursor: Annotated[str | None, Field(description="The `next` of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100

    @property
    def wanted(self) -> OrderFilter:
        return OrderFilter(
            status=None if self.status == "open" else self.status,
            is_open=True if self.status == "open" else None,
            symbol=self.symbol,
            client_order_id=self.client_order_id,
            parent_id=self.parent_id,
            basket_id=self.basket_id,
            since=self.since,
        )


@router.post(
    "/v1/orders",
    summary="Submit one order, or several at once",
    status_code=HTTPStatus.ACCEPTED,
    response_class=Response,
    responses=stores(
        OrderReceipts,
        new="Stored, and on the way to be decided",
        known="All of these orders were stored before",
    ),
    openapi_extra=ORDERS_BODY | IDEMPOTENCY_KEY,
)
async def submit_orders(request: Request, caller: Trader) -> Response:
    """Store every order of the request durably, or none of it.

    The header `Idempotency-Key` names an order that has no `client_order_id`.
    """
    content = await body.read(request)
    key = idempotency_key(request)
    requests = await _decode(bulkheads(request), caller.user_id, content, key)
    accepted = await group_commit(request).accept(Submission(caller.user_id, requests))
    is_replay = all(order.replayed for order in accepted)
    location = f"/v1/orders/{accepted[0].order_id}" if len(accepted) == 1 else None
    return stored(receipts(accepted), location, is_new=not is_replay)


@router.get(
    "/v1/orders",
    summary="List orders, the newest first",
    response_class=Response,
    responses=answers(OrderPage, "A page; `next` is the cursor of the page after it"),
)
@on_thread(Bulkhead.READS)
def list_orders(
    request: Request, caller: Reader, query: Annotated[OrderQuery, Query()]
) -> Response:
    page = application(request).people.reading.orders(
        caller.user_id, query.wanted, after=query.cursor, limit=query.limit
    )
    return answer(page)


@router.get(
    "/v1/orders/{order_id}",
    summary="Read an order with its events, fills and slices",
    response_class=Response,
    responses=answers(OrderHistory, "The order"),
)
@on_thread(Bulkhead.READS)
def get_order(request: Request, caller: Reader, order_id: str) -> Response:
    return answer(application(request).people.reading.order(caller.user_id, order_id))


@router.patch(
    "/v1/orders/{order_id}",
    summary="Change price, trigger price or quantity of an open order",
    response_class=Response,
    responses=answers(OrderHistory, "The order as it stands now"),
    openapi_extra=reads(amendment_form.AmendmentForm),
)
async def amend_order(request: Request, caller: Trader, order_id: str) -> Response:
    """Amend the fields in the body, and trade the order if it is marketable then.

    The same amendment again changes nothing. With a new price, or more quantity, the order goes
    behind others at its price. A new price of a sliced order applies to all of its slices.
    """
    content = await body.read(request, _AMENDMENT_BYTES)
    parts, user_id = application(request), caller.user_id
    return await bulkheads(request).run(
        Bulkhead.WRITES, user_id, _amend, parts, user_id, order_id, content
    )


def _amend(parts: Application, user_id: int, order_id: str, content: bytes) -> Response:
    parts.trading.amending.amend(user_id, parse_order_id(order_id), amendment_form.decode(content))
    return answer(parts.people.reading.order(user_id, order_id))


@router.delete(
    "/v1/orders/{order_id}",
    summary="Cancel what has not traded",
    response_class=Response,
    responses=answers(OrderHistory, "The order as it stands now"),
)
@on_thread(Bulkhead.EMERGENCY)
def cancel_order(request: Request, caller: Trader, order_id: str) -> Response:
    parts = application(request)
    parts.trading.cancellation.cancel(caller.user_id, parse_order_id(order_id))
    return answer(parts.people.reading.order(caller.user_id, order_id))


async def _decode(
    threads: Bulkheads, user_id: int, content: bytes, key: str | None
) -> tuple[OrderRequest, ...]:
    if len(content) <= _QUICKLY_READ_BYTES:
        return order_form.decode(content, key)
    return await threads.run(Bulkhead.WRITES, user_id, order_form.decode, content, key)
