"""The state of the fake exchange for rehearsals, outside the broker's paths: no limit and no fault touches it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from angel_x.rehearsal.fake_exchange.exchange import Exchange
from angel_x.rehearsal.fake_exchange.faults import Fault

STATE = "/rehearsal/state"
FAULTS = "/rehearsal/faults"


class ExchangeState(msgspec.Struct, frozen=True, kw_only=True):
    """All orders, executions, requests and faults of the exchange since it began."""

    #: Orders under each tag, rejected ones too.
    orders: Mapping[str, int]
    #: The tag of each execution, by the ids of its order and of the fill.
    executions: Mapping[str, str]
    #: Requests within and over their limits, by the name of the limit.
    let_in: Mapping[str, int]
    over: Mapping[str, int]
    #: How often each fault has happened.
    faults: Mapping[str, int]


def routes(exchange: Exchange) -> list[Route]:
    """Return the routes: the state, and the rates of the faults, which may be changed."""
    return [
        Route(STATE, _state(exchange), methods=["GET"]),
        Route(FAULTS, _faults(exchange), methods=["PUT"]),
    ]


def state_of(exchange: Exchange) -> ExchangeState:
    """Return the state at this moment."""
    orders, requests = exchange.orders.values(), exchange.throttle
    return ExchangeState(
        orders=Counter(order.tag for order in orders),
        executions={
            f"{order.order_id}-{trade.fill_id}": order.tag
            for order in orders
            for trade in order.trades
        },
        let_in={rate.value: count for rate, count in requests.let_in.items()},
        over={rate.value: count for rate, count in requests.over.items()},
        faults={fault.value: count for fault, count in exchange.faults.happened.items() if count},
    )


def _state(exchange: Exchange) -> Callable[[Request], Any]:
    async def answer(_request: Request) -> Response:
        content = msgspec.json.encode(state_of(exchange))
        return Response(content, media_type="application/json")

    return answer


def _faults(exchange: Exchange) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            rates = msgspec.json.decode(await request.body(), type=dict[Fault, float])
        except msgspec.DecodeError as error:
            return Response(str(error), 400)
        exchange.faults.rates = rates
        return Response(status_code=204)

    return answer
