"""Positions, trades, portfolio and margin of an account."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse, Response

from angel_x.domain.portfolios.portfolio import Portfolio
from angel_x.domain.records.contract_note import ContractNote
from angel_x.domain.records.margin_record import Balance, MarginEstimate
from angel_x.domain.records.shadow_report import ShadowReport
from angel_x.domain.records.statement import FillPage, LedgerPage, Period, PositionList, TradeList
from angel_x.entrypoints.api import body
from angel_x.entrypoints.api.bulkheads import Bulkhead, bulkheads, on_thread
from angel_x.entrypoints.api.keys import Reader
from angel_x.entrypoints.api.openapi import ORDERS_BODY, answers
from angel_x.entrypoints.api.parts import Moment, answer, application
from angel_x.entrypoints.presentation.contract_note import note_page
from angel_x.services.intake import order_form

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

router = APIRouter(tags=["account"])


class PeriodQuery(BaseModel):
    """A period, and a page of it."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[Moment | None, Field(description="At this time or later")] = None
    until: Annotated[Moment | None, Field(description="Before this time")] = None
    cursor: Annotated[str | None, Field(description="The `next` of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000

    @property
    def period(self) -> Period:
        return Period(since=self.since, until=self.until)


#: The prefix of the client order ids of an estimate, which are not stored.
_UNNAMED = "what-if"


@router.get(
    "/v1/positions",
    summary="Open positions, the newest first",
    response_class=Response,
    responses=answers(
        PositionList, "The positions at their marks, with the last snapshot of their Greeks"
    ),
)
@on_thread(Bulkhead.READS)
def list_positions(request: Request, caller: Reader) -> Response:
    parts = application(request)
    found = parts.analytics.portfolios.marked(parts.people.reading.positions(caller.user_id))
    return answer(PositionList(positions=tuple(found)))


@router.get(
    "/v1/trades",
    summary="Closed round trips, the newest first; by default of 24 hours",
    response_class=Response,
    responses=answers(TradeList, "A page; `next` is the cursor of the page after it"),
)
@on_thread(Bulkhead.READS)
def list_trades(
    request: Request, caller: Reader, query: Annotated[PeriodQuery, Query()]
) -> Response:
    """The realised P&L is by average cost, before charges."""
    reading = application(request).people.reading
    return answer(
        reading.trades(caller.user_id, query.period, after=query.cursor, limit=query.limit)
    )


@router.get(
    "/v1/fills",
    summary="Fills, the newest first",
    response_class=Response,
    responses=answers(FillPage, "A page; `next` is the cursor of the page after it"),
)
@on_thread(Bulkhead.READS)
def list_fills(
    request: Request, caller: Reader, query: Annotated[PeriodQuery, Query()]
) -> Response:
    reading = application(request).people.reading
    return answer(
        reading.fills(caller.user_id, query.period, after=query.cursor, limit=query.limit)
    )


@router.get(
    "/v1/ledger",
    summary="Ledger entries, the newest first",
    response_class=Response,
    responses=answers(LedgerPage, "A page; `next` is the cursor of the page after it"),
)
@on_thread(Bulkhead.READS)
def list_ledger_entries(
    request: Request, caller: Reader, query: Annotated[PeriodQuery, Query()]
) -> Response:
    """The entries of an order, a deposit or a settlement sum to zero."""
    reading = application(request).people.reading
    return answer(
        reading.ledger(caller.user_id, query.period, after=query.cursor, limit=query.limit)
    )


@router.get(
    "/v1/contract-notes/{day}",
    summary="Trades, settlements and charges by item of a day of the market",
    response_class=Response,
    responses=answers(ContractNote, "The note; a page to print for `format=html`", page=True),
)
@on_thread(Bulkhead.READS)
def get_contract_note(
    request: Request,
    caller: Reader,
    day: date,
    form: Annotated[Literal["json", "html"], Query(alias="format")] = "json",
) -> Response:
    note = application(request).people.notes.of(caller.user_id, day)
    return HTMLResponse(note_page(note)) if form == "html" else answer(note)


@router.get(
    "/v1/shadow",
    summary="Live orders of a day in India beside their paper twins, the newest first",
    response_class=Response,
    responses=answers(ShadowReport, "The orders that were sent on the day, by default today"),
)
@on_thread(Bulkhead.READS)
def get_shadow_report(request: Request, caller: Reader, day: date | None = None) -> Response:
    """Slippage is in rupees for the units that both have traded, positive where live was worse."""
    return answer(application(request).people.shadow.of(caller.user_id, day))


@router.get(
    "/v1/portfolio",
    summary="Value, exposure and scenarios of the account",
    response_class=Response,
    responses=answers(Portfolio, "The portfolio as of `updated_at`"),
)
@on_thread(Bulkhead.READS)
def get_portfolio(request: Request, caller: Reader) -> Response:
    return answer(application(request).analytics.portfolios.of(caller.user_id))


@router.get(
    "/v1/margin",
    summary="Cash, and margin by underlying",
    response_class=Response,
    responses=answers(Balance, "The balance at the last commit, its margin at the market of now"),
)
@on_thread(Bulkhead.READS)
def get_margin(request: Request, caller: Reader) -> Response:
    return answer(application(request).trading.balances.of(caller.user_id))


@router.post(
    "/v1/margin",
    summary="Estimate cash and margin after orders",
    response_class=Response,
    responses=answers(MarginEstimate, "The estimate, purchases first, each order at its limit"),
    openapi_extra=ORDERS_BODY,
)
async def estimate_margin(request: Request, caller: Reader) -> Response:
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
