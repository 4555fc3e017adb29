"""P&L, the equity curve and past books of an account."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from angel_x.domain.portfolios.past import PastPortfolio
from angel_x.domain.portfolios.pnl import PnlGroup, PnlReport
from angel_x.domain.records.equity import EquityPage
from angel_x.entrypoints.api.account import PeriodQuery
from angel_x.entrypoints.api.bulkheads import Bulkhead, on_thread
from angel_x.entrypoints.api.keys import Reader
from angel_x.entrypoints.api.openapi import answers
from angel_x.entrypoints.api.parts import Moment, answer, application

router = APIRouter(tags=["account"])


@router.get(
    "/v1/pnl",
    summary="Realised P&L by day, underlying or tag",
    response_class=Response,
    responses=answers(PnlReport, "By average cost and by FIFO, before and after charges"),
)
@on_thread(Bulkhead.READS)
def list_pnl(
    request: Request,
    caller: Reader,
    by: PnlGroup = PnlGroup.DAY,
    since: Annotated[date | None, Query(description="The first day of the market")] = None,
    until: Annotated[date | None, Query(description="The last day of the market")] = None,
) -> Response:
    """The whole history of the account is folded, because FIFO closes the oldest units."""
    days = since or date.min, until or date.max
    return answer(application(request).people.profit.of(caller.user_id, by, *days))


@router.get(
    "/v1/equity",
    summary="The equity curve, the newest point first",
    response_class=Response,
    responses=answers(EquityPage, "A page; `next` is the cursor of the page after it"),
)
@on_thread(Bulkhead.READS)
def list_equity(
    request: Request, caller: Reader, query: Annotated[PeriodQuery, Query()]
) -> Response:
    """The points are the snapshots of the portfolio."""
    found = application(request).people.equity.page(
        caller.user_id, query.period, after=query.cursor, limit=query.limit
    )
    return answer(found)


@router.get(
    "/v1/portfolio/past",
    summary="Positions, worth and margin at a past moment",
    response_class=Response,
    responses=answers(PastPortfolio, "Worth the marks of the last snapshot before the moment"),
)
@on_thread(Bulkhead.READS)
def get_past_portfolio(
    request: Request,
    caller: Reader,
    at: Annotated[Moment, Query(description="Not after now")],
) -> Response:
    """Positions and cash are folded from fills, settlements, openings and ledger up to the moment."""
    return answer(application(request).people.past.of(caller.user_id, at))
