"""Submissions on the shortest way: ``POST /v1/orders`` is answered before the router.

Matching routes, solving dependencies and keeping stacks of exits cost FastAPI as much for each request as
the submission itself.  The route stays in the router, which documents it and serves the other methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.routing import APIRoute
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request

from angel_x.entrypoints.api import orders
from angel_x.entrypoints.api.keys import authenticated_trader
from angel_x.entrypoints.api.parts import check_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send

_METHOD = "POST"
#: The route that metrics name.
_ROUTE = next(
    route
    for route in orders.router.routes
    if isinstance(route, APIRoute) and route.endpoint is orders.submit_orders
)


class DirectSubmissions:
    """Wraps the application: answers submissions as its route does, and passes other requests on.

    Parameters, key and scope are checked in the order of the dependencies of the route, and errors are
    answered by the handlers of the application.
    """

    def __init__(self, app: ASGIApp, handlers: Mapping[Any, ExceptionHandler]) -> None:
        self._app = app
        self._submission = ExceptionMiddleware(_submit, handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_submission = (
            scope["type"] == "http" and scope["path"] == _ROUTE.path and scope["method"] == _METHOD
        )
        if not is_submission:
            await self._app(scope, receive, send)
            return
        scope["route"] = _ROUTE
        await self._submission(scope, receive, send)


async def _submit(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive, send)
    await check_parameters(request)
    response = await orders.submit_orders(request, await authenticated_trader(request))
    await response(scope, receive, send)
