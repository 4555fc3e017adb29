"""The kill switch, cancel-all and square-off."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
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
from angel_x.entrypoints.api.bulkheads import Bulkhead, bulkheads, on_thread
from angel_x.entrypoints.api.keys import Controller, Reader, Trader
from angel_x.entrypoints.api.openapi import IDEMPOTENCY_KEY, answers, reads, stores
from angel_x.entrypoints.api.parts import answer, application, idempotency_key, stored
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
_STANDING = answers(SquareOffRecord, "Its progress")


class Selection(BaseModel):
    """A selection of orders, by default all of the account."""

    model_config = ConfigDict(extra="forbid")

    symbol: Annotated[str | None, Field(pattern=_SYMBOL)] = None
    underlying: Annotated[str | None, Field(pattern=_SYMBOL)] = None
    product: Product | None = None


@router.get(
    "/v1/kill-switch",
    summary="Read trading states",
    response_class=Response,
    responses=answers(ControlList, "The state in force for the account, and the stored states"),
)
@on_thread(Bulkhead.READS)
def get_kill_switch(request: Request, caller: Reader) -> Response:
    """A key of scope `admin` also gets the states of other accounts."""
    is_admin = caller.allows(Scope.ADMIN)
    return answer(
        application(request).controls.trading_controls.of(caller.user_id, with_others=is_admin)
    )


@router.put(
    "/v1/kill-switch",
    summary="Halt trading, allow closing only, or resume trading",
    response_class=Response,
    responses=answers(ControlReceipt, "The state holds for every later decision"),
    openapi_extra=reads(SwitchForm),
)
async def set_kill_switch(request: Request, caller: Controller) -> Response:
    """Set the trading state of the caller's account; other scopes need the scope `admin`.

    Once the answer is `settled`, no order is decided under the former state any more.
    Open orders that the state does not allow are canceled in the background.
    """
    form = decode(await body.read(request, _BODY_BYTES), SwitchForm)
    receipt = await bulkheads(request).run(
        Bulkhead.EMERGENCY, caller.user_id, _turn, application(request), caller, form
    )
    return answer(receipt)


@router.delete(
    "/v1/orders",
    summary="Cancel all open orders",
    response_class=Response,
    responses=answers(CancellationList, "The outcome of each open order"),
)
@on_thread(Bulkhead.EMERGENCY)
def cancel_all_orders(
    request: Request, caller: Trader, selection: Annotated[Selection, Query()]
) -> Response:
    """Of a sliced order the slices are listed. Orders accepted after the request are not canceled."""
    wanted = OrderSelection(
        symbol=selection.symbol, underlying=selection.underlying, product=selection.product
    )
    canceled = application(request).controls.cancel_all.run(caller.user_id, wanted, actor="api")
    return answer(CancellationList(orders=tuple(canceled)))


@router.post(
    "/v1/square-off",
    summary="Cancel open orders and close positions",
    status_code=HTTPStatus.ACCEPTED,
    response_class=Response,
    responses=stores(
        SquareOffRecord,
        new="Stored, and started",
        known="The square-off of an earlier request with this key",
    ),
    openapi_extra=reads(SquareOffForm, required=False) | IDEMPOTENCY_KEY,
)
async def square_off(request: Request, caller: Trader) -> Response:
    """Buy short positions back, then sell long ones, repeatedly until the account is flat.

    It also works while trading is halted, and ends at the latest with the session. The header
    `Idempotency-Key` is the key of a square-off without `key`.
    """
    form = decode(await body.read(request, _BODY_BYTES), SquareOffForm)
    key = form.key or idempotency_key(request) or uuid4().hex
    return await bulkheads(request).run(
        Bulkhead.EMERGENCY, caller.user_id, _square_off, application(request), caller, form, key
    )


@router.get(
    "/v1/square-off/{workflow_id}",
    summary="Read the progress of a square-off",
    response_class=Response,
    responses=_STANDING,
)
@on_thread(Bulkhead.READS)
def get_square_off(request: Request, caller: Reader, workflow_id: str) -> Response:
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
        # Other accounts must not find out which names exist.
        if not caller.allows(Scope.ADMIN):
            raise ScopeMissing(_OWN_ONLY) from None
        raise


def _square_off(parts: Application, caller: Identity, form: SquareOffForm, key: str) -> Response:
    workflow, is_new = parts.workflows.square_off.start(
        caller.user_id, form.selection, key=key, actor=f"key:{caller.key_prefix}"
    )
    record = parts.workflows.square_off.progress.record(workflow)
    return stored(record, f"/v1/square-off/{record.id}", is_new=is_new)
