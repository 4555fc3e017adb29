"""Greeks, option chains and the calendar of the exchange."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from angel_x.domain.calendar.session import IST, CalendarDay, CalendarYear
from angel_x.domain.chains.chain_record import ContractGreeks, OptionChain
from angel_x.domain.chains.summary_record import ChainSummary
from angel_x.domain.records.market_status import MarketStatus
from angel_x.domain.records.minute_series import ContractMinutes, UnderlyingMinutes
from angel_x.entrypoints.api.bulkheads import Bulkhead, on_thread
from angel_x.entrypoints.api.keys import Reader
from angel_x.entrypoints.api.openapi import answers
from angel_x.entrypoints.api.parts import answer, application

router = APIRouter(tags=["market"])

Day = Annotated[
    date | None, Query(description="A day of the market, in India; by default that of now")
]


@router.get(
    "/v1/market",
    summary="Whether the market trades, and market time",
    response_class=Response,
    responses=answers(MarketStatus, "The state of now; `changes_at` is the next close or opening"),
)
@on_thread(Bulkhead.READS)
def get_market(request: Request, _: Reader) -> Response:
    app = application(request)
    return answer(replace(app.base.hours.status(), blocked=app.live.trading.status().blocked))


@router.get(
    "/v1/greeks/{symbol}",
    summary="Quote and Greeks of a contract",
    response_class=Response,
    responses=answers(ContractGreeks, "Per unit, with the age of the Greeks and of the quote"),
)
@on_thread(Bulkhead.READS)
def get_greeks(
    request: Request, _: Reader, symbol: Annotated[str, Path(max_length=64)]
) -> Response:
    return answer(application(request).analytics.greeks.of(symbol))


@router.get(
    "/v1/option-chain/{underlying}",
    summary="The option chain of an underlying",
    response_class=Response,
    responses=answers(OptionChain, "By strike, the call before the put"),
)
@on_thread(Bulkhead.READS)
def get_option_chain(
    request: Request,
    _: Reader,
    underlying: Annotated[str, Path(max_length=20)],
    expiry: Annotated[date | None, Query(description="By default the nearest")] = None,
) -> Response:
    return answer(application(request).analytics.option_chains.chain(underlying, expiry))


@router.get(
    "/v1/option-chain/{underlying}/summary",
    summary="Smile, ratios, max pain and gamma exposure of each expiry",
    response_class=Response,
    responses=answers(ChainSummary, "The nearest expiry first; a null has its reason"),
)
@on_thread(Bulkhead.READS)
def get_option_chain_summary(
    request: Request,
    _: Reader,
    underlying: Annotated[str, Path(max_length=20)],
    expiry: Annotated[date | None, Query(description="By default every one")] = None,
) -> Response:
    return answer(application(request).analytics.option_chains.summary(underlying, expiry))


@router.get(
    "/v1/option-chain/{underlying}/minutes",
    summary="Spot and straddle at the money, minute by minute",
    response_class=Response,
    responses=answers(
        UnderlyingMinutes, "The minutes of a day, the oldest first; none is no error"
    ),
)
@on_thread(Bulkhead.READS)
def get_underlying_minutes(
    request: Request,
    _: Reader,
    underlying: Annotated[str, Path(max_length=20)],
    expiry: Annotated[
        date | None, Query(description="Of the straddle; by default the nearest of each minute")
    ] = None,
    day: Day = None,
) -> Response:
    return answer(
        application(request).analytics.minute_series.of_underlying(underlying, expiry, day)
    )


@router.get(
    "/v1/minutes/{symbol}",
    summary="Price and open interest of a contract, minute by minute",
    response_class=Response,
    responses=answers(ContractMinutes, "The minutes of a day, the oldest first; none is no error"),
)
@on_thread(Bulkhead.READS)
def get_contract_minutes(
    request: Request, _: Reader, symbol: Annotated[str, Path(max_length=64)], day: Day = None
) -> Response:
    """Stored are contracts near the money, held or with an open order."""
    return answer(application(request).analytics.minute_series.of_contract(symbol, day))


@router.get(
    "/v1/calendar",
    summary="Every day of a year",
    response_class=Response,
    responses=answers(CalendarYear, "Times in India; days beyond the published lists are marked"),
)
@on_thread(Bulkhead.READS)
def get_calendar_year(
    request: Request,
    _: Reader,
    year: Annotated[
        int | None, Query(ge=2000, le=2199, description="By default that of the market")
    ] = None,
) -> Response:
    base = application(request).base
    return answer(base.calendar.year(year or base.market_clock().astimezone(IST).year))


@router.get(
    "/v1/calendar/{day}",
    summary="Whether a session is held on a day",
    response_class=Response,
    responses=answers(CalendarDay, "Times in India"),
)
@on_thread(Bulkhead.READS)
def get_calendar_day(request: Request, _: Reader, day: date) -> Response:
    return answer(application(request).base.calendar.day(day))
