"""Submitting and reading baskets."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from angel_x.domain.workflows.basket import BasketRecord
from angel_x.entrypoints.api import body
from angel_x.entrypoints.api.bulkheads import Bulkhead, bulkheads, on_thread
from angel_x.entrypoints.api.keys import Reader, Trader
from angel_x.entrypoints.api.openapi import IDEMPOTENCY_KEY, answers, reads, stores
from angel_x.entrypoints.api.parts import answer, application, idempotency_key, stored
from angel_x.services.workflows import basket_form

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

router = APIRouter(tags=["baskets"])

_BODY_BYTES = 256 * 1024


@router.post(
    "/v1/baskets",
    summary="Submit orders that are checked together and hedged first",
    status_code=HTTPStatus.ACCEPTED,
    response_class=Response,
    responses=stores(
        BasketRecord,
        new="Stored; its margin is checked as a whole next",
        known="This basket was stored before",
    ),
    openapi_extra=reads(basket_form.BasketForm) | IDEMPOTENCY_KEY,
)
async def submit_basket(request: Request, caller: Trader) -> Response:
    """Store a whole basket durably, or nothing of it.

    The margin must suffice for all legs together. Purchases trade first; sales follow once every
    purchase is filled. If a leg is refused the open ones are canceled, and fills are kept, or with
    `on_refusal` `flatten` closed again. The header `Idempotency-Key` is the id of a basket without
    `basket_id`.
    """
    content = await body.read(request, _BODY_BYTES)
    key = idempotency_key(request)
    parts, user_id = application(request), caller.user_id
    return await bulkheads(request).run(
        Bulkhead.WRITES, user_id, _submit, parts, user_id, content, key
    )


def _submit(parts: Application, user_id: int, content: bytes, key: str | None) -> Response:
    record, is_new = parts.workflows.baskets.submit(
        user_id, basket_form.decode(content, key), "api"
    )
    return stored(record, f"/v1/baskets/{quote(record.basket_id, safe='')}", is_new=is_new)


@router.get(
    "/v1/baskets/{basket_id:path}",
    summary="Read a basket with its orders",
    response_class=Response,
    responses=answers(BasketRecord, "The basket as it stands now"),
)
@on_thread(Bulkhead.READS)
def get_basket(request: Request, caller: Reader, basket_id: str) -> Response:
    return answer(application(request).workflows.baskets.read(caller.user_id, basket_id))
