"""Every error of a request, answered with its problem: ``application/problem+json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from angel_x import errors
from angel_x.bootstrap import TRANSIENT, is_lock_timeout
from angel_x.entrypoints.presentation.problem import (
    Problem,
    ProblemFault,
    link_to_type,
    of_error,
    of_status,
)

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
_SHOWN = 80
_LOCKED = (
    "other work of the account held a lock for too long; the part of the request that waited for it "
    "was not stored, so send it again"
)


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
    given = {**(headers or {}), "Link": link_to_type(problem)}
    return Response(body, problem.status, given, media_type=MEDIA_TYPE)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, errors.AngelXError)
    headers = {}
    if isinstance(error, errors.TryLater):
        headers["Retry-After"] = str(error.retry_after)
    problem = of_error(error)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return response(problem, headers)


async def _invalid_parameters(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # A parameter of several types has a fault for each of them.
    by_field: dict[str, list[Mapping[str, Any]]] = {}
    for fault in error.errors():
        by_field.setdefault(str(fault["loc"][1]), []).append(fault)
    faults = tuple(_parameter_fault(field, found) for field, found in by_field.items())
    detail = "; ".join(f"{fault.field} {fault.detail}" for fault in faults)
    return response(of_status(HTTPStatus.UNPROCESSABLE_ENTITY, detail, faults))


def _parameter_fault(field: str, faults: Sequence[Mapping[str, Any]]) -> ProblemFault:
    reason = " or ".join(str(fault["msg"]) for fault in faults)
    return ProblemFault(None, field, shown(faults[0]["input"]), reason[:1].lower() + reason[1:])


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    return response(of_status(status, str(error.detail)), error.headers)


async def _too_late(_: Request, error: Exception) -> Response:
    log.warning("request.timed_out", error=repr(error))
    return _unavailable("there was no outcome in time")


async def _outage(request: Request, error: Exception) -> Response:
    if is_lock_timeout(error):
        return await _refused(request, errors.AccountBusy(_LOCKED))
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
    """Return a value of the caller as text, cut to a readable length."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _without_surrogates(problem: Problem) -> Problem:
    """Replace surrogates, which JSON can represent and UTF-8 cannot."""
    text = json.dumps(msgspec.to_builtins(problem), ensure_ascii=False)
    return msgspec.json.decode(text.encode(errors="replace"), type=Problem)
