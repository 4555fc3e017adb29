"""Shared parts of the routes: application, answers and parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Annotated, cast, get_args

import msgspec
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, AwareDatetime, BaseModel
from starlette.requests import Request
from starlette.responses import Response

from angel_x.domain.values.moment import in_utc
from angel_x.domain.values.written_number import RULE, is_plain
from angel_x.entrypoints.api.problems import shown
from angel_x.errors import InvalidInput
from angel_x.services.intake.storable_text import check_text

if TYPE_CHECKING:
    from fastapi._compat import ModelField
    from fastapi.routing import APIRoute

    from angel_x.bootstrap import Application
    from angel_x.entrypoints.api.group_commit import GroupCommit
    from angel_x.entrypoints.api.quote_watches import QuoteWatches
    from angel_x.entrypoints.api.subscriptions import Subscriptions
    from angel_x.entrypoints.machine import MachineReader

#: Converted to UTC, because PostgreSQL accepts no offset above 15:59.
Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]

#: The header of an answer to a submission that was stored before.
REPLAYED = "Idempotent-Replayed"
#: Characters of a parameter's name or value in the path or the query.
LONGEST_PARAMETER = 256
#: Parameters that list symbols may be longer.
_LONGER = {"watch": 7_000}
#: The format of a client order id, shorter by the position of an order.
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,58}")


def application(request: Request) -> Application:
    """Return the application of this process."""
    return cast("Application", request.app.state.application)


def group_commit(request: Request) -> GroupCommit:
    return cast("GroupCommit", request.app.state.group_commit)


def subscriptions(request: Request) -> Subscriptions:
    return cast("Subscriptions", request.app.state.subscriptions)


def quote_watches(request: Request) -> QuoteWatches:
    return cast("QuoteWatches", request.app.state.quote_watches)


def machine_reader(request: Request) -> MachineReader:
    return cast("MachineReader", request.app.state.machine_reader)


def answer(record: object, status: int = 200) -> Response:
    """Return a record as JSON: money as strings, times in UTC, NaN as null."""
    return Response(msgspec.json.encode(record), status, media_type="application/json")


def stored(record: object, location: str | None, *, is_new: bool) -> Response:
    """Return the answer to a submission: 202 for a new one, else 200 and a header that says so.

    ``location`` is the path of the record, None where there is no single one.
    """
    made = answer(record, HTTPStatus.ACCEPTED if is_new else HTTPStatus.OK)
    if location is not None:
        made.headers["Location"] = location
    if not is_new:
        made.headers[REPLAYED] = "true"
    return made


async def check_parameters(request: Request) -> None:
    """Refuse parameters that the route does not have, or that no route may get.

    Raises:
        InvalidInput: A name or a value is too long, or cannot be stored.
        RequestValidationError: The route has no parameter of a name, or a number is not plain.
    """
    given = request.query_params.multi_items() if request.scope["query_string"] else []
    for name, value in (*request.path_params.items(), *given):
        _check_bounded("(name of a parameter)", name)
        _check_bounded(name, str(value))
    if given:
        route = request.scope["route"]
        _check_known(given, query_names(route))
        _check_numbers(
            given, frozenset(chain.from_iterable(map(_numbers, route.dependant.query_params)))
        )


def _check_bounded(field: str, text: str) -> None:
    check_text(field, text)
    longest = _LONGER.get(field, LONGEST_PARAMETER)
    if len(text) > longest:
        raise InvalidInput(
            f"{field} must be at most {longest} characters, was {shown(text)}",
            field=field,
            value=shown(text),
        )


def _check_known(given: Iterable[tuple[str, str]], known: frozenset[str]) -> None:
    words = f"must be one of {', '.join(sorted(known))}" if known else "is not taken by this call"
    unknown = [
        {"type": "extra_forbidden", "loc": ("query", name), "msg": words, "input": value}
        for name, value in given
        if name not in known
    ]
    if unknown:
        raise RequestValidationError(unknown)


def _check_numbers(given: Iterable[tuple[str, str]], numbers: frozenset[str]) -> None:
    wrong = [
        {"type": "int_parsing", "loc": ("query", name), "msg": RULE, "input": value}
        for name, value in given
        if name in numbers and not is_plain(value)
    ]
    if wrong:
        raise RequestValidationError(wrong)


def query_names(route: APIRoute) -> frozenset[str]:
    """Return the names of the query parameters that a route declares."""
    return frozenset(chain.from_iterable(map(_names, route.dependant.query_params)))


def _names(field: ModelField) -> Iterable[str]:
    """Return the name of a parameter, or those of a model of several."""
    model = field.field_info.annotation
    if isinstance(model, type) and issubclass(model, BaseModel):
        return model.model_fields
    return (field.alias,)


def _numbers(field: ModelField) -> Iterable[str]:
    """Return the name of a parameter that is a number, or those of a model of several."""
    model = field.field_info.annotation
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [n for n, each in model.model_fields.items() if _is_number(each.annotation)]
    return (field.alias,) if _is_number(model) else ()


def _is_number(kind: object) -> bool:
    return kind in (int, float, Decimal) or any(map(_is_number, get_args(kind)))


def idempotency_key(request: Request) -> str | None:
    """Return the header ``Idempotency-Key``, None where it is missing.

    Raises:
        InvalidInput: It is not 1 to 58 printable characters.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and _IDEMPOTENCY_KEY.fullmatch(key) is None:
        raise InvalidInput(
            f"Idempotency-Key must be 1 to 58 printable characters, was {shown(key)}",
            field="Idempotency-Key",
            value=shown(key),
        )
    return key
