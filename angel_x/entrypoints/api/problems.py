"""Every error as an RFC 9457 problem: ``application/problem+json``.

A problem names each fault with the index of the order, the field, the value and what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from angel_x import errors
from angel_x.bootstrap import TRANSIENT

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
_SHOWN = 80


class ProblemFault(msgspec.Struct, frozen=True):
    """One thing that is wrong; ``index`` is the position of the order, null outside of orders."""

    index: int | None
    field: str
    value: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was not carried out."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[ProblemFault, ...] = ()


#: The status of each error of the tree; the nearest base class counts.
STATUS: Mapping[type[errors.AngelXError], HTTPStatus] = {
    errors.InvalidInput: HTTPStatus.BAD_REQUEST,
    errors.InvalidOrder: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidAmendment: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidSymbol: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IdempotencyConflict: HTTPStatus.CONFLICT,
    errors.OrderNotFound: HTTPStatus.NOT_FOUND,
    errors.WorkflowNotFound: HTTPStatus.NOT_FOUND,
    errors.UnknownOrder: HTTPStatus.NOT_FOUND,
    errors.ReplayRefused: HTTPStatus.CONFLICT,
    errors.OrderAlreadyClosed: HTTPStatus.CONFLICT,
    errors.OrderOnItsWay: HTTPStatus.CONFLICT,
    errors.AmendmentRefused: HTTPStatus.CONFLICT,
    errors.AccessDenied: HTTPStatus.UNAUTHORIZED,
    errors.ScopeMissing: HTTPStatus.FORBIDDEN,
    errors.QueueFull: HTTPStatus.TOO_MANY_REQUESTS,
    errors.OrderRateExceeded: HTTPStatus.TOO_MANY_REQUESTS,
    errors.UnknownAccount: HTTPStatus.NOT_FOUND,
    errors.UnknownContract: HTTPStatus.NOT_FOUND,
    errors.ServerUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.AngelXError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def install(app: FastAPI) -> None:
    """Answer every error of this application with a problem."""
    app.add_exception_handler(errors.AngelXError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid_parameters)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(TimeoutError, _too_late)
    for outage in TRANSIENT:
        app.add_exception_handler(outage, _outage)


def response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as a response."""
    try:
        body = msgspec.json.encode(problem)
    except UnicodeEncodeError:
        body = msgspec.json.encode(_without_surrogates(problem))
    return Response(body, problem.status, headers, media_type=MEDIA_TYPE)


def of_status(status: HTTPStatus, detail: str, faults: tuple[ProblemFault, ...] = ()) -> Problem:
    """Return a problem that its HTTP status names well enough."""
    name = status.phrase.lower().replace(" ", "-")
    return Problem(
        type=f"urn:angel-x:{name}",
        title=status.phrase,
        status=status,
        detail=detail,
        errors=faults,
    )


def of_error(error: errors.AngelXError) -> Problem:
    """Return the problem that an error of the tree becomes."""
    kind = next(base for base in type(error).__mro__ if base in STATUS)
    words = _words(kind.__name__)
    return Problem(
        type=f"urn:angel-x:{words.replace(' ', '-')}",
        title=words.capitalize(),
        status=STATUS[kind],
        detail=str(error),
        errors=_faults(error),
    )


def unexpected(request_id: str) -> Problem:
    """Return the problem of a failure that nobody foresaw; its cause is in the log."""
    detail = f"the request failed; the log has the cause under request id {request_id}"
    return of_status(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _faults(error: errors.AngelXError) -> tuple[ProblemFault, ...]:
    if isinstance(error, errors.InvalidOrder):
        return tuple(ProblemFault(f.index, f.field, f.value, f.detail) for f in error.faults)
    if isinstance(error, errors.InvalidAmendment):
        return tuple(ProblemFault(None, f.field, f.value, f.detail) for f in error.faults)
    named = _named(error)
    return () if named is None else (ProblemFault(None, *named),)


def _named(error: errors.AngelXError) -> tuple[str, str, str] | None:
    """Return field, value and detail of an error that concerns one thing."""
    found: tuple[str, str, str] | None = None
    match error:
        case errors.InvalidInput() if error.field:
            found = error.field, error.value, str(error)
        case errors.IdempotencyConflict():
            found = error.field, error.client_order_id, "stands for other content"
        case errors.OrderAlreadyClosed():
            found = "order_id", str(error.order_id), f"is {error.status}"
        case errors.OrderOnItsWay():
            found = "order_id", str(error.order_id), "is on its way to the venue"
        case errors.AmendmentRefused():
            found = "reason", error.reason, "is why the order is as it was"
        case _:
            found = _missing(error)
    return found


def _missing(error: errors.AngelXError) -> tuple[str, str, str] | None:
    """Return field, value and detail of an error that nothing has a name."""
    found: tuple[str, str, str] | None = None
    match error:
        case errors.OrderNotFound():
            found = "order_id", error.order_id, "is no order of this account"
        case errors.WorkflowNotFound():
            found = "id", error.workflow_id, f"is no {error.kind}"
        case errors.UnknownContract():
            found = error.kind, error.name, "must be listed"
        case errors.UnknownAccount() if error.name:
            found = "user", error.name, "is no account"
    return found


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, errors.AngelXError)
    headers = {}
    if isinstance(error, errors.QueueFull | errors.OrderRateExceeded):
        headers["Retry-After"] = str(error.retry_after)
    problem = of_error(error)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return response(problem, headers)


async def _invalid_parameters(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = tuple(_parameter_fault(fault) for fault in error.errors())
    detail = "; ".join(f"{fault.field} {fault.detail}" for fault in faults)
    return response(of_status(HTTPStatus.UNPROCESSABLE_ENTITY, detail, faults))


def _parameter_fault(fault: Mapping[str, Any]) -> ProblemFault:
    field = ".".join(str(step) for step in fault["loc"][1:])
    reason = str(fault["msg"])
    return ProblemFault(None, field, shown(fault["input"]), reason[:1].lower() + reason[1:])


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    return response(of_status(status, str(error.detail)), error.headers)


async def _too_late(_: Request, error: Exception) -> Response:
    log.warning("request.timed_out", error=repr(error))
    return _unavailable("there was no outcome in time")


async def _outage(_: Request, error: Exception) -> Response:
    log.error("server.unreachable", error=repr(error)[:500])
    return _unavailable("a server behind the API did not answer")


def _unavailable(cause: str) -> Response:
    detail = (
        f"{cause}; whether anything was stored is unknown, so send the request again with the "
        "same client order ids"
    )
    problem = of_status(HTTPStatus.SERVICE_UNAVAILABLE, detail)
    return response(problem, {"Retry-After": "1"})


def shown(value: object) -> str:
    """Return a value of the caller's, cut to a readable length."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _without_surrogates(problem: Problem) -> Problem:
    """Replace halves of characters, which JSON can spell and UTF-8 cannot."""
    text = json.dumps(msgspec.to_builtins(problem), ensure_ascii=False)
    return msgspec.json.decode(text.encode(errors="replace"), type=Problem)


def _words(name: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
