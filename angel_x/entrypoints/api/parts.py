"""Shared parts of the routes: application, answers and parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, cast

import msgspec
from pydantic import AfterValidator, AwareDatetime
from starlette.requests import Request
from starlette.responses import Response

from angel_x.domain.values.moment import in_utc
from angel_x.entrypoints.api.problems import shown
from angel_x.errors import InvalidInput
from angel_x.services.intake.storable_text import check_text

if TYPE_CHECKING:
    from angel_x.bootstrap import Application
    from angel_x.entrypoints.api.group_commit import GroupCommit
    from angel_x.entrypoints.api.subscriptions import Subscriptions

#: Converted to UTC, because PostgreSQL accepts no offset above 15:59.
Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]

#: The format of a client order id, shorter by the position of an order.
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,58}")


def application(request: Request) -> Application:
    """Return the application of this process."""
    return cast("Application", request.app.state.application)


def group_commit(request: Request) -> GroupCommit:
    return cast("GroupCommit", request.app.state.group_commit)


def subscriptions(request: Request) -> Subscriptions:
    return cast("Subscriptions", request.app.state.subscriptions)


def answer(record: object, status: int = 200) -> Response:
    """Return a record as JSON: money as strings, times in UTC, NaN as null."""
    return Response(msgspec.json.encode(record), status, media_type="application/json")


async def check_parameters(request: Request) -> None:
    """Refuse parameters that the database cannot store, before any route gets them."""
    for name, value in (*request.path_params.items(), *request.query_params.multi_items()):
        check_text("(name of a parameter)", name)
        check_text(name, str(value))


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
