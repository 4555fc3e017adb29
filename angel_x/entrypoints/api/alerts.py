"""Targets of alerts and their notices: of the caller, and for the scope ``admin`` of anybody."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from angel_x.domain.operations.alert_target import (
    NoticeCount,
    NoticeList,
    NoticeStatus,
    TargetList,
    TargetView,
)
from angel_x.domain.records.access import Identity, Scope
from angel_x.entrypoints.api import body
from angel_x.entrypoints.api.bulkheads import Bulkhead, bulkheads, on_thread
from angel_x.entrypoints.api.keys import Controller, Reader
from angel_x.entrypoints.api.openapi import PROBLEMS, answers, reads
from angel_x.entrypoints.api.parts import answer, application
from angel_x.errors import InvalidInput, ScopeMissing
from angel_x.services.operations.alert_targets import TargetForm

router = APIRouter(tags=["alerts"])

_BODY_BYTES = 8 * 1024
_Name = Annotated[str, Path(description="Name of the target, unique in its account")]


class TargetBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A target; its address is never shown again."""

    #: As in ``tgram://BOT-TOKEN/CHAT-ID``.
    url: str
    #: By default all that concern the owner.
    topics: list[str] = []
    #: As in ``22:30-07:00``, Indian time.
    quiet_hours: str | None = None


class Owner(BaseModel):
    """The owner of targets, by default the caller."""

    model_config = ConfigDict(extra="forbid")

    user: Annotated[str | None, Field(description="Name of an account", max_length=64)] = None
    scope: Annotated[
        Literal["user", "operators"], Field(description="`operators` for targets of operators")
    ] = "user"


class Tested(Owner):
    """The targets to send a test to."""

    name: Annotated[str | None, Field(description="By default all targets")] = None


class Wanted(Owner):
    """The notices to show."""

    status: Annotated[NoticeStatus | None, Field(description="By default all")] = None


@router.get(
    "/v1/alerts/targets",
    summary="Read the targets of alerts",
    response_class=Response,
    responses=answers(TargetList, "The targets, without their addresses"),
)
@on_thread(Bulkhead.READS)
def list_alert_targets(
    request: Request, caller: Reader, owner: Annotated[Owner, Query()]
) -> Response:
    user_id = _user_id(request, caller, owner)
    return answer(TargetList(tuple(application(request).alerts.targets.all(user_id))))


@router.put(
    "/v1/alerts/targets/{name}",
    summary="Add or replace a target of alerts",
    response_class=Response,
    responses=answers(TargetView, "The target, without its address"),
    openapi_extra=reads(TargetBody),
)
async def set_alert_target(
    request: Request, caller: Controller, name: _Name, owner: Annotated[Owner, Query()]
) -> Response:
    """Store the address encrypted.  Without the scope `admin` only services with a fixed host are taken."""
    form = _form(await body.read(request, _BODY_BYTES))
    view = await bulkheads(request).run(
        Bulkhead.WRITES,
        caller.user_id,
        lambda: application(request).alerts.targets.put(
            _user_id(request, caller, owner),
            name,
            form,
            actor=_actor(caller),
            by_operator=caller.allows(Scope.ADMIN),
        ),
    )
    return answer(view)


@router.delete(
    "/v1/alerts/targets/{name}",
    summary="Remove a target of alerts with its notices",
    response_class=Response,
    responses=answers(TargetList, "The targets that are left"),
)
@on_thread(Bulkhead.WRITES)
def remove_alert_target(
    request: Request, caller: Controller, name: _Name, owner: Annotated[Owner, Query()]
) -> Response:
    user_id = _user_id(request, caller, owner)
    kept = application(request).alerts.targets
    kept.remove(user_id, name, actor=_actor(caller))
    return answer(TargetList(tuple(kept.all(user_id))))


@router.post(
    "/v1/alerts/test",
    summary="Send a test to a target of alerts, or to all",
    status_code=HTTPStatus.ACCEPTED,
    response_class=Response,
    responses={
        **PROBLEMS,
        202: {**answers(NoticeCount, "The notices that are on their way")[200]},
    },
)
@on_thread(Bulkhead.WRITES)
def test_alert_targets(
    request: Request, caller: Controller, wanted: Annotated[Tested, Query()]
) -> Response:
    """Write a notice for each target; `GET /v1/alerts/notices` shows its outcome."""
    user_id = _user_id(request, caller, wanted)
    told = application(request).alerts.targets.test(user_id, wanted.name, actor=_actor(caller))
    return answer(NoticeCount(told), HTTPStatus.ACCEPTED)


@router.get(
    "/v1/alerts/notices",
    summary="Read the notices of the last thirty days",
    response_class=Response,
    responses=answers(NoticeList, "At most 200 notices, the newest first"),
)
@on_thread(Bulkhead.READS)
def list_alert_notices(
    request: Request, caller: Reader, wanted: Annotated[Wanted, Query()]
) -> Response:
    user_id = _user_id(request, caller, wanted)
    found = application(request).alerts.targets.notices(user_id, wanted.status)
    return answer(NoticeList(tuple(found)))


@router.post(
    "/v1/alerts/retry",
    summary="Let dead notices be sent again",
    response_class=Response,
    responses=answers(NoticeCount, "The notices that wait again"),
)
@on_thread(Bulkhead.WRITES)
def retry_alert_notices(
    request: Request, caller: Controller, owner: Annotated[Owner, Query()]
) -> Response:
    user_id = _user_id(request, caller, owner)
    return answer(NoticeCount(application(request).alerts.targets.retry_dead(user_id)))


def _form(content: bytes) -> TargetForm:
    """Parse a target.  Unlike other forms, no error repeats a value."""
    try:
        given = msgspec.json.decode(content, type=TargetBody)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the target cannot be read: {error}") from None
    return TargetForm(given.url, given.topics, given.quiet_hours)


def _user_id(request: Request, caller: Identity, owner: Owner) -> int | None:
    """Return the id of the owner, None for the operators."""
    is_own = owner.user is None and owner.scope == "user"
    if not is_own and not caller.allows(Scope.ADMIN):
        raise ScopeMissing(f"this key reaches its own alerts only; others need {Scope.ADMIN}")
    if owner.scope == "operators":
        return None
    if owner.user is None:
        return caller.user_id
    return application(request).people.accounts.named(owner.user).id


def _actor(caller: Identity) -> str:
    return f"key:{caller.key_prefix}"
