"""Reading, setting and clearing risk limits."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from angel_x.domain.book.limits import LimitKind, LimitSheet
from angel_x.domain.records.access import Identity, Scope
from angel_x.entrypoints.api import body
from angel_x.entrypoints.api.bulkheads import Bulkhead, bulkheads, on_thread
from angel_x.entrypoints.api.keys import Admin, Reader
from angel_x.entrypoints.api.openapi import answers, reads
from angel_x.entrypoints.api.parts import answer, application
from angel_x.errors import InvalidInput, ScopeMissing
from angel_x.services.intake.order_form import parsed_object

router = APIRouter(tags=["limits"])

#: Limits by kind; missing and null ones stay unchanged.
LimitsForm = msgspec.defstruct(
    "LimitsForm",
    [(kind.value, int | float | str | None, None) for kind in LimitKind],
    forbid_unknown_fields=True,
)
_BODY_BYTES = 16 * 1024
_SHEET = answers(LimitSheet, "The stored limits, and the limits in force")


class LimitSubject(BaseModel):
    """The account of the limits, by default the caller's own."""

    model_config = ConfigDict(extra="forbid")

    user: Annotated[str | None, Field(description="Name of an account", max_length=64)] = None
    scope: Annotated[
        Literal["user", "global"], Field(description="`global` for the limits of all accounts")
    ] = "user"


class Cleared(LimitSubject):
    """The limits to remove."""

    kind: Annotated[list[LimitKind], Field(description="By default all kinds")] = []


@router.get("/v1/limits", summary="Read limits", response_class=Response, responses=_SHEET)
@on_thread(Bulkhead.READS)
def get_limits(
    request: Request, caller: Reader, subject: Annotated[LimitSubject, Query()]
) -> Response:
    """Return the caller's own limits; others need the scope `admin`."""
    if (subject.user is not None or subject.scope == "global") and not caller.allows(Scope.ADMIN):
        raise ScopeMissing(f"this key shows its own limits only; others need {Scope.ADMIN}")
    return answer(application(request).people.limits.sheet(_user_id(request, caller, subject)))


@router.put(
    "/v1/limits",
    summary="Set limits",
    response_class=Response,
    responses=_SHEET,
    openapi_extra=reads(LimitsForm),
)
async def set_limits(
    request: Request, caller: Admin, subject: Annotated[LimitSubject, Query()]
) -> Response:
    """Set the limits in the body; others stay unchanged.  They hold within a second."""
    values = _decoded(await body.read(request, _BODY_BYTES))
    sheet = await bulkheads(request).run(
        Bulkhead.WRITES,
        caller.user_id,
        lambda: application(request).people.limits.put(
            _user_id(request, caller, subject), values, _actor(caller)
        ),
    )
    return answer(sheet)


@router.delete("/v1/limits", summary="Clear limits", response_class=Response, responses=_SHEET)
@on_thread(Bulkhead.WRITES)
def clear_limits(request: Request, caller: Admin, cleared: Annotated[Cleared, Query()]) -> Response:
    user_id = _user_id(request, caller, cleared)
    return answer(application(request).people.limits.clear(user_id, cleared.kind, _actor(caller)))


def _decoded(content: bytes) -> dict[str, object]:
    given = parsed_object(content)
    return {kind: value for kind, value in given.items() if value is not None}


def _user_id(request: Request, caller: Identity, subject: LimitSubject) -> int | None:
    if subject.scope == "global":
        if subject.user is not None:
            raise InvalidInput("global limits belong to no user", field="user", value=subject.user)
        return None
    if subject.user is None:
        return caller.user_id
    return application(request).people.accounts.named(subject.user).id


def _actor(caller: Identity) -> str:
    return f"key:{caller.key_prefix}"
