"""The OpenAPI document, and the page that shows it without a network.

Requests and answers are read and written by msgspec, so their schemas come from there.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from angel_x.domain.book.control import CancellationList, ControlList, ControlReceipt
from angel_x.domain.book.limits import LimitKind, LimitSheet
from angel_x.domain.chains.chain_summary import ChainSummary
from angel_x.domain.chains.option_chain import ContractGreeks, OptionChain
from angel_x.domain.portfolios.portfolio import Portfolio
from angel_x.domain.records.audit import AuditPage, Replayed
from angel_x.domain.records.statement import (
    Balance,
    MarginEstimate,
    OrderHistory,
    OrderPage,
    OrderReceipts,
    PositionList,
    TradeList,
)
from angel_x.domain.workflows.basket import BasketRecord
from angel_x.domain.workflows.square_off import SquareOffRecord
from angel_x.entrypoints.api.problems import MEDIA_TYPE
from angel_x.entrypoints.api.readiness import Readiness
from angel_x.entrypoints.presentation.problem import Problem
from angel_x.services.controls.control_forms import SquareOffForm, SwitchForm
from angel_x.services.intake.order_form import OrderForm
from angel_x.services.trading.amendment_form import AmendmentForm
from angel_x.services.workflows.basket_form import BasketForm

if TYPE_CHECKING:
    from fastapi import FastAPI

_ASSETS = "/docs/assets"
_DESCRIPTION = """
Every order is kept and trades at most once. Show a key as `Authorization: Bearer <key>`; its scope
`read` allows reading, `trade` also submitting and canceling. Money is written as strings, times in
UTC. An error is a problem (RFC 9457) that names each fault. Sending an order again under the same
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


#: Limits by kind; missing and null ones stay unchanged.
LimitsForm = msgspec.defstruct(
    "LimitsForm",
    [(kind.value, int | float | str | None, None) for kind in LimitKind],
    forbid_unknown_fields=True,
)

#: All records that the API reads or writes.
_RECORDS = (
    Problem,
    OrderForm,
    OrderForms,
    AmendmentForm,
    BasketForm,
    BasketRecord,
    OrderReceipts,
    OrderPage,
    OrderHistory,
    PositionList,
    TradeList,
    Balance,
    MarginEstimate,
    LimitsForm,
    LimitSheet,
    AuditPage,
    Replayed,
    SwitchForm,
    SquareOffForm,
    ControlList,
    ControlReceipt,
    CancellationList,
    SquareOffRecord,
    Portfolio,
    ContractGreeks,
    OptionChain,
    ChainSummary,
    Readiness,
)


def _content(media_type: str, *records: type) -> dict[str, Any]:
    references = [{"$ref": f"#/components/schemas/{record.__name__}"} for record in records]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    return {media_type: {"schema": schema}}


#: The possible problems of every call.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request is refused", "content": _content(MEDIA_TYPE, Problem)},
    503: {
        "description": "There is no outcome; the same request may be sent again",
        "content": _content(MEDIA_TYPE, Problem),
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
#: Orders in a body.
ORDERS_BODY = {
    "requestBody": {
        "required": True,
        "content": _content("application/json", OrderForm, OrderForms),
    }
}
#: The body of an amendment.
AMENDMENT_BODY = {
    "requestBody": {"required": True, "content": _content("application/json", AmendmentForm)}
}
#: The body of a kill switch.
SWITCH_BODY = {
    "requestBody": {"required": True, "content": _content("application/json", SwitchForm)}
}
#: The body of a square-off.
SQUARE_OFF_BODY = {
    "requestBody": {"required": False, "content": _content("application/json", SquareOffForm)}
}
BASKET_BODY = {
    "requestBody": {"required": True, "content": _content("application/json", BasketForm)}
}
#: The body of limits to set.
LIMITS_BODY = {
    "requestBody": {"required": True, "content": _content("application/json", LimitsForm)}
}


def answers(record: type, description: str) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that answers with ``record``, for the document."""
    success = {"description": description, "content": _content("application/json", record)}
    return {200: success, **PROBLEMS}


def install(app: FastAPI) -> None:
    """Serve ``/openapi.json`` and, from files of this installation only, ``/docs``."""
    document = _document(app)

    async def openapi() -> Response:
        return Response(msgspec.json.encode(document), media_type="application/json")

    async def page() -> Response:
        return HTMLResponse(_PAGE)

    async def page_script() -> Response:
        return Response(_PAGE_SCRIPT, media_type="text/javascript")

    app.add_api_route("/openapi.json", openapi, include_in_schema=False)
    app.add_api_route("/docs", page, include_in_schema=False)
    app.add_api_route("/docs/page.js", page_script, include_in_schema=False)
    app.mount(_ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")))


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes
    )
    _, schemas = msgspec.json.schema_components(
        _RECORDS, ref_template="#/components/schemas/{name}"
    )
    document.setdefault("components", {}).setdefault("schemas", {}).update(schemas)
    _make_portable(schemas)
    return document


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
