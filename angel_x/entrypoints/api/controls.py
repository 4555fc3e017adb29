"""Getting out: the kill switch, canceling everything, and squaring off."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from angel_x.domain.book.control import (
    CancellationList,
    ControlList,
    ControlReceipt,
    ControlScope,
    OrderSelection,
)
from angel_x.domain.orders.order import Product
from angel_x.domain.records.access import Identity, Scope
from angel_x.domain.workflows.square_off import SquareOffRecord
from angel_x.entrypoints.api import body
from angel_x.entrypoints.api.keys import Reader, Trader
from angel_x.entrypoints.api.openapi import IDEMPOTENCY_KEY, SQUARE_OFF_BODY, SWITCH_BODY, answers
from angel_x.entrypoints.api.parts import answer, application, idempotency_key
from angel_x.errors import InvalidInput, ScopeMissing, UnknownAccount
from angel_x.services.accounts.reading import parse_row_id
from angel_x.services.controls.control_forms import SquareOffForm, SwitchForm, decode
from angel_x.services.controls.controls import read_state

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

router = APIRouter(tags=["controls"])

_BODY_BYTES = 4096
_SYMBOL = r"^[A-Z0-9&_.-]{1,64}$"
_OWN_ONLY = f"this key controls its own account only; the rest needs {Scope.ADMIN}"
_STANDING = answers(SquareOffRecord, "How far it has come")


class Selection(BaseModel):
    """Which orders: all of the account's where nothing is said."""

    model_config = ConfigDict(extra="forbid")

    symbol: Annotated[str | None, Field(pattern=_SYMBOL)] = None
    underlying: Annotated[str | None, Field(pattern=_SYMBOL)] = None
    product: Product | None = None


@router.get(
    "/v1/kill-switch",
    summary="Read trading states",
    response_class=Response,
    responses=answers(ControlList, "What holds for the account, and what was ever set"),
)
def controls(request: Request, caller: Reader) -> Response:
    """A key of scope `admin` also sees what was set for other accounts."""
    is_admin = caller.allows(Scope.ADMIN)
    return answer(
        application(request).controls.trading_controls.of(caller.user_id, with_others=is_admin)
    )


@router.put(
    "/v1/kill-switch",
    summary="Halt trading, allow closing only, or let it go on",
    response_class=Response,
    responses=answers(ControlReceipt, "It holds for whatever is decided from now on"),
    openapi_extra=SWITCH_BODY,
)
async def turn(request: Request, caller: Trader) -> Response:
    """Set the trading state of the caller's account; of anything else with the scope `admin`.

    Once the answer says `settled`, no order is being decided any more under the state before.
    What is open and must not stand is canceled in the background.
    """
    form = decode(await body.read(request, _BODY_BYTES), SwitchForm)
    return answer(await run_in_threadpool(_turn, application(request), caller, form))


@router.delete(
    "/v1/orders",
    summary="Cancel everything that has not traded",
    response_class=Response,
    responses=answers(CancellationList, "What became of each order that was open"),
)
def cancel_all(
    request: Request, caller: Trader, selection: Annotated[Selection, Query()]
) -> Response:
    """Of a sliced order the slices are listed. What came in meanwhile is not touched."""
    wanted = OrderSelection(
        symbol=selection.symbol, underlying=selection.underlying, product=selection.product
    )
    canceled = application(request).controls.cancel_all.run(caller.user_id, wanted, actor="api")
    return answer(CancellationList(orders=tuple(canceled)))


@router.post(
    "/v1/square-off",
    summary="Cancel what is open and close what is held",
    status_code=HTTPStatus.ACCEPTED,
    response_class=Response,
    responses={
        **answers(SquareOffRecord, "It was asked for before under this key"),
        202: {**answers(SquareOffRecord, "Stored, and on the way")[200]},
    },
    openapi_extra=SQUARE_OFF_BODY | IDEMPOTENCY_KEY,
)
async def square_off(request: Request, caller: Trader) -> Response:
    """Buy short positions back, then sell long ones, and go on until the account is flat.

    It also works while trading is halted, and ends at the latest with the session. The header
    `Idempotency-Key` names a square-off that has no `key`.
    """
    form = decode(await body.read(request, _BODY_BYTES), SquareOffForm)
    key = form.key or idempotency_key(request) or uuid4().hex
    return await run_in_threadpool(_square_off, application(request), caller, form, key)


@router.get(
    "/v1/square-off/{workflow_id}",
    summary="Read how far a square-off has come",
    response_class=Response,
    responses=_STANDING,
)
def standing(request: Request, caller: Reader, workflow_id: str) -> Response:
    parts = application(request)
    return answer(
        parts.workflows.square_off.read(caller.user_id, parse_row_id("square-off", workflow_id))
    )


def _turn(parts: Application, caller: Identity, form: SwitchForm) -> ControlReceipt:
    name = _name(parts, caller, form)
    is_own = form.scope is ControlScope.USER and name == str(caller.user_id)
    if not is_own and not caller.allows(Scope.ADMIN):
        raise ScopeMissing(_OWN_ONLY)
    return parts.controls.trading_controls.turn(
        form.scope,
        name,
        read_state(form.state),
        actor=f"key:{caller.key_prefix}",
        reason=form.reason,
    )


def _name(parts: Application, caller: Identity, form: SwitchForm) -> str:
    match form.scope, form.name:
        case ControlScope.SYSTEM, None:
            return ""
        case ControlScope.SYSTEM, str(name):
            raise InvalidInput("the system has no name", field="name", value=name)
        case ControlScope.UNDERLYING, None:
            raise InvalidInput("name must be an underlying, was none", field="name")
        case ControlScope.USER, None:
            return str(caller.user_id)
        case ControlScope.USER, str(name):
            return _account(parts, caller, name)
        case _, name:
            assert name is not None
            return name


def _account(parts: Application, caller: Identity, name: str) -> str:
    try:
        return str(parts.people.accounts.named(name).id)
    except UnknownAccount:
        # Which accounts there are is no business of another one's.
        if not caller.allows(Scope.ADMIN):
            raise ScopeMissing(_OWN_ONLY) from None
        raise


def _square_off(parts: Application, caller: Identity, form: SquareOffForm, key: str) -> Response:
    workflow, is_new = parts.workflows.square_off.start(
        caller.user_id, form.selection, key=key, actor=f"key:{caller.key_prefix}"
    )
    status = HTTPStatus.ACCEPTED if is_new else HTTPStatus.OK
    return answer(parts.workflows.square_off.record(workflow), status)
