"""Closing values of indices, as operators enter them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from angel_x.domain.book.settlement import Expiry, PriceSource, SettlementPrice
from angel_x.entrypoints.api import body
from angel_x.entrypoints.api.bulkheads import Bulkhead, bulkheads
from angel_x.entrypoints.api.keys import Admin
from angel_x.entrypoints.api.openapi import answers, reads
from angel_x.entrypoints.api.parts import answer, application
from angel_x.services.controls.control_forms import SettlementPriceForm, decode
from angel_x.services.trading.settlement import SettlementReport

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

router = APIRouter(tags=["operations"])

_BODY_BYTES = 1024


@router.put(
    "/v1/settlement-prices/{underlying}/{expiry}",
    summary="Enter the closing value of an index, and settle",
    response_class=Response,
    responses=answers(SettlementReport, "What is settled, and what still waits for a value"),
    openapi_extra=reads(SettlementPriceForm),
)
async def set_settlement_price(
    request: Request,
    caller: Admin,
    underlying: Annotated[str, Path(pattern=r"^[A-Z0-9&-]{1,20}$")],
    expiry: date,
) -> Response:
    """It counts where neither the exchange nor the feed has a value. The same value again is no change."""
    form = decode(await body.read(request, _BODY_BYTES), SettlementPriceForm)
    price = SettlementPrice(
        expiry=Expiry(underlying, expiry),
        price=form.price,
        source=PriceSource.OPERATOR,
        actor=f"key:{caller.key_prefix}",
    )
    return await bulkheads(request).run(
        Bulkhead.WRITES, caller.user_id, _settle, application(request), price
    )


def _settle(parts: Application, price: SettlementPrice) -> Response:
    parts.trading.settlement.add_prices([price])
    return answer(parts.trading.settlement.run())
