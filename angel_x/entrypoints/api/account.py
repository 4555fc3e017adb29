"""What an account has: positions, trades, portfolio and margin."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from angel_x.domain.portfolio import Portfolio
from angel_x.domain.statement import Balance, PositionList, TradeList
from angel_x.entrypoints.api.keys import Reader
from angel_x.entrypoints.api.openapi import answers
from angel_x.entrypoints.api.parts import answer, application

router = APIRouter(tags=["account"])


@router.get(
    "/v1/positions",
    summary="Open positions, the newest first",
    response_class=Response,
    responses=answers(PositionList, "The positions, with the last snapshot of their Greeks"),
)
def positions(request: Request, caller: Reader) -> Response:
    found = application(request).reading.positions(caller.user_id)
    return answer(PositionList(positions=tuple(found)))


@router.get(
    "/v1/trades",
    summary="Round trips closed within 24 hours, the newest first, at most 1,000",
    response_class=Response,
    responses=answers(TradeList, "The trades"),
)
def trades(request: Request, caller: Reader) -> Response:
    found = application(request).reading.trades(caller.user_id)
    return answer(TradeList(trades=tuple(found)))


@router.get(
    "/v1/portfolio",
    summary="What the account is worth and exposed to",
    response_class=Response,
    responses=answers(Portfolio, "The portfolio, as old as `updated_at` says"),
)
def portfolio(request: Request, caller: Reader) -> Response:
    return answer(application(request).portfolios.of(caller.user_id))


@router.get(
    "/v1/margin",
    summary="Cash and margin",
    response_class=Response,
    responses=answers(Balance, "The balance at the last commit"),
)
def margin(request: Request, caller: Reader) -> Response:
    return answer(application(request).reading.balance(caller.user_id))
