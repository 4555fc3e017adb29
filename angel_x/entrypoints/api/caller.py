"""The account and the scopes of the key of a request."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from angel_x.domain.records.access import KeyHolder, parse_scopes
from angel_x.entrypoints.api.bulkheads import Bulkhead, on_thread
from angel_x.entrypoints.api.keys import Reader
from angel_x.entrypoints.api.openapi import answers
from angel_x.entrypoints.api.parts import answer, application

router = APIRouter(tags=["account"])


@router.get(
    "/v1/key",
    summary="The account and the scopes of this key",
    response_class=Response,
    responses=answers(KeyHolder, "The holder of the key"),
)
@on_thread(Bulkhead.READS)
def get_key(request: Request, caller: Reader) -> Response:
    names = application(request).people.accounts.names([caller.user_id])
    return answer(
        KeyHolder(
            user=names[caller.user_id],
            user_id=caller.user_id,
            key_prefix=caller.key_prefix,
            scopes=parse_scopes(caller.scopes),
        )
    )
