"""The OpenAPI document, and the page that shows it without a network.

Requests and answers are read and written by msgspec, so their schemas come from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles

from angel_x.entrypoints.api import problem_page
from angel_x.entrypoints.api.parts import REPLAYED
from angel_x.entrypoints.api.problems import MEDIA_TYPE
from angel_x.entrypoints.presentation.problem import TYPES_PAGE, Problem
from angel_x.services.intake.order_form import OrderForm

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI

_ASSETS = "/docs/assets"
_DESCRIPTION = """
Every order is kept and trades at most once. Show a key as `Authorization: Bearer <key>`; its scope
`read` allows reading, `trade` also submitting and canceling. Money is written as strings, times in
UTC. An error is a [problem](/docs/problems) (RFC 9457) that names each fault. Sending an order again under the same
`client_order_id` is always safe.
"""
# The script of the page is a file of its own, because the content security policy forbids inline
# scripts.
_PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Angel-X API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{_ASSETS}/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="{_ASSETS}/swagger-ui-bundle.js"></script>
<script src="/docs/page.js"></script>
</body>
</html>
"""
_PAGE_SCRIPT = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#page", deepLinking: true, persistAuthorization: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
"""


class OrderForms(msgspec.Struct, forbid_unknown_fields=True):
    """Several orders: all of them are accepted, or none is."""

    orders: list[OrderForm]


class BodyContent(dict[str, Any]):
    """The content of a body in the document, and the records whose schemas it refers to."""

    def __init__(self, media_type: str, *records: type) -> None:
        references = [{"$ref": f"#/components/schemas/{record.__name__}"} for record in records]
        schema = references[0] if len(references) == 1 else {"anyOf": references}
        super().__init__({media_type: {"schema": schema}})
        self.records = records


#: The possible problems of every call.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request is refused", "content": BodyContent(MEDIA_TYPE, Problem)},
    503: {
        "description": "There is no outcome; the same request may be sent again",
        "content": BodyContent(MEDIA_TYPE, Problem),
    },
}
#: The header with the id of a submission whose body has none.
IDEMPOTENCY_KEY = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Id of a submission whose body has none; sending it again is safe",
            "schema": {"type": "string", "pattern": "^[!-~]{1,58}$"},
        }
    ]
}


#: The headers of an answer to a submission.
_LOCATION = {
    "Location": {
        "description": "The path of the record; not where several orders were sent",
        "schema": {"type": "string"},
    }
}
_REPLAYED = {
    REPLAYED: {
        "description": "The submission was stored before, and this is its state now",
        "schema": {"type": "string", "enum": ["true"]},
    }
}


def operation_id(route: APIRoute) -> str:
    """Return the name of a route's operation in generated clients: its function's, ``setKillSwitch``."""
    first, *others = route.name.split("_")
    return first + "".join(word.capitalize() for word in others)


def reads(*records: type, required: bool = True) -> dict[str, Any]:
    """Return the ``openapi_extra`` of a route whose body is one of these records."""
    content = BodyContent("application/json", *records)
    return {"requestBody": {"required": required, "content": content}}


#: One order or several as the body.
ORDERS_BODY = reads(OrderForm, OrderForms)


def answers(
    record: type, description: str, *, page: bool = False
) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that answers with ``record``, for the document.

    ``page`` documents that it also answers with a page of HTML.
    """
    content = BodyContent("application/json", record)
    if page:
        content["text/html"] = {"schema": {"type": "string"}}
    return {200: {"description": description, "content": content}, **PROBLEMS}


def stores(record: type, *, new: str, known: str) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that stores a submission, or knows it from before."""
    content = BodyContent("application/json", record)
    return {
        200: {"description": known, "content": content, "headers": _LOCATION | _REPLAYED},
        202: {"description": new, "content": content, "headers": _LOCATION},
        **PROBLEMS,
    }


def events(description: str, *records: type) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that sends events; ``records`` are described beside it."""
    content = BodyContent("text/event-stream", *records)
    content["text/event-stream"] = {"schema": {"type": "string"}}
    return {200: {"description": description, "content": content}, **PROBLEMS}


def install(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Serve ``/openapi.json`` and, from files of this installation only, ``/docs``."""
    content = document(app, routers)

    async def openapi() -> Response:
        return Response(msgspec.json.encode(content), media_type="application/json")

    async def page() -> Response:
        return HTMLResponse(_PAGE)

    async def page_script() -> Response:
        return Response(_PAGE_SCRIPT, media_type="text/javascript")

    async def problem_types() -> Response:
        return HTMLResponse(problem_page.page())

    app.add_api_route("/openapi.json", openapi, include_in_schema=False)
    app.add_api_route("/docs", page, include_in_schema=False)
    app.add_api_route(TYPES_PAGE, problem_types, include_in_schema=False)
    app.add_api_route("/docs/page.js", page_script, include_in_schema=False)
    app.mount(_ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")))


def document(app: FastAPI, routers: Iterable[APIRouter]) -> dict[str, Any]:
    """Return the document of an application that includes these routers."""
    described = get_openapi(
        title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes
    )
    routes = (route for router in routers for route in router.routes)
    # Every call may be refused.
    records = dict.fromkeys((Problem, *(record for route in routes for record in _records(route))))
    _, schemas = msgspec.json.schema_components(records, ref_template="#/components/schemas/{name}")
    described.setdefault("components", {}).setdefault("schemas", {}).update(schemas)
    schemas[Problem.__name__]["externalDocs"] = {
        "url": TYPES_PAGE,
        "description": "A section for each value of `type`",
    }
    _make_portable(schemas)
    return described


def _records(route: BaseRoute) -> Iterator[type]:
    """Yield the records that a route reads or answers with."""
    if not isinstance(route, APIRoute):
        return
    bodies = [*route.responses.values(), (route.openapi_extra or {}).get("requestBody", {})]
    for body in bodies:
        content = body.get("content")
        if isinstance(content, BodyContent):
            yield from content.records


def _make_portable(schema: object) -> None:
    """Replace syntax that only Python's patterns have, for other readers of the document."""
    if isinstance(schema, dict):
        if isinstance(pattern := schema.get("pattern"), str):
            schema["pattern"] = pattern.replace(r"\Z", "$").replace(r"\ud800-\udfff", "")
        for part in schema.values():
            _make_portable(part)
    elif isinstance(schema, list):
        for part in schema:
            _make_portable(part)
