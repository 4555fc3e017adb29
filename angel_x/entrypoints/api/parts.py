"""What the routes work with."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

    from angel_x.bootstrap import Application
    from angel_x.entrypoints.api.group_commit import GroupCommit
    from angel_x.entrypoints.api.subscriptions import Subscriptions


def application(request: Request) -> Application:
    """Return the parts of this process."""
    return cast("Application", request.app.state.application)


def group_commit(request: Request) -> GroupCommit:
    return cast("GroupCommit", request.app.state.group_commit)


def subscriptions(request: Request) -> Subscriptions:
    return cast("Subscriptions", request.app.state.subscriptions)


def answer(record: object, status: int = 200) -> Response:
    """Return a record as JSON: money as strings, times in UTC, numbers that are none as null."""
    return Response(msgspec.json.encode(record), status, media_type="application/json")
