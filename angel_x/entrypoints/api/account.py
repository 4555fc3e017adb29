"""Positions, trades, portfolio and margin of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response

from angel_x.domain.portfolios.portfolio import Portfolio
from angel_x.domain.records.statement import Balance, MarginEstimate, PositionList, TradeList
from angel_x.entrypoints.api import body
from angel_x.entrypoints.api.bulkheads import Bulkhead, bulkheads, on_thread
from angel_x.entrypoints.api.keys import Reader
from angel_x.entrypoints.api.openapi import ORDERS_BODY, answers
from angel_x.entrypoints.api.parts import answer, application
from angel_x.services.intake import order_form

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

router = APIRouter(tags=["account"])

#: The prefix of the client order ids of an estimate, which are not stored.
_UNNAMED = "what-if"


@router.get(
    "/v1/positions",
    summary="Open positions, the newest first",
    response_class=Response,
    responses=answers(PositionList, "The positions, with the last snapshot of their Greeks"),
)
@on_thread(Bulkhead.READS)
def positions(request: Request, caller: Reader) -> Response:
    found = application(request).people.reading.positions(caller.user_id)
    return answer(PositionList(positions=tuple(found)))


@router.get(
    "/v1/trades",
    summary="Round trips closed within 24 hours, the newest first, at most 1,000",
    response_class=Response,
    responses=answers(TradeList, "The trades"),
)
@on_thread(Bulkhead.READS)
def trades(request: Request, caller: Reader) -> Response:
    found = application(request).people.reading.trades(caller.user_id)
    return answer(TradeList(trades=tuple(found)))


@router.get(
    "/v1/portfolio",
    summary="Value, exposure and scenarios of the account",
    response_class=Response,
    responses=answers(Portfolio, "The portfolio as of `updated_at`"),
)
@on_thread(Bulkhead.READS)
def portfolio(request: Request, caller: Reader) -> Response:
    return answer(application(request).analytics.portfolios.of(caller.user_id))


@router.get(
    "/v1/margin",
    summary="Cash, and margin by underlying",
    response_class=Response,
    responses=answers(Balance, "The balance at the last commit, its margin at the market of now"),
)
@on_thread(Bulkhead.READS)
def margin(request: Request, caller: Reader) -> Response:
    return answer(application(request).trading.balances.of(caller.user_id))


@router.post(
    "/v1/margin",
    summary="Estimate cash and margin after orders",
    response_class=Response,
    responses=answers(MarginEstimate, "The estimate, purchases first, each order at its limit"),
    openapi_extra=ORDERS_BODY,
)
async def what_if(request: Request, caller: Reader) -> Response:
    """Estimate by the rules of the order decision. Nothing is stored; orders need no client order id.

    An empty list of orders asks about the account as it is.
    """
    content = await body.read(request)
    return await bulkheads(request).run(
        Bulkhead.READS, caller.user_id, _estimate, application(request), caller.user_id, content
    )


def _estimate(parts: Application, user_id: int, content: bytes) -> Response:
    requests = order_form.decode_estimate(content, _UNNAMED)
    parts.intake.order_check.check(requests)
    return answer(parts.trading.what_if.estimate(user_id, requests))
