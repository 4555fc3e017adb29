"""What the documentation says of bodies."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, FastAPI

from angel_x.entrypoints.api import openapi
from angel_x.services.workflows.basket_form import BasketForm


def test_orders_are_sent_alone_or_several_at_once() -> None:
    assert openapi.ORDERS_BODY["requestBody"]["content"] == {
        "application/json": {
            "schema": {
                "anyOf": [
                    {"$ref": "#/components/schemas/OrderForm"},
                    {"$ref": "#/components/schemas/OrderForms"},
                ]
            }
        }
    }


def test_a_basket_is_of_one_form() -> None:
    assert openapi.reads(BasketForm)["requestBody"] == {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/BasketForm"}}},
    }


class Question(msgspec.Struct):
    """A body."""


class Reply(msgspec.Struct):
    """An answer."""


def test_the_records_of_a_route_are_described_and_no_others() -> None:
    router = APIRouter()
    router.add_api_route(
        "/thing",
        lambda: None,
        methods=["PUT"],
        responses=openapi.answers(Reply, "The reply"),
        openapi_extra=openapi.reads(Question),
    )
    router.add_api_route("/plain", lambda: None)
    app = FastAPI()
    app.include_router(router)

    schemas = openapi.document(app, [router])["components"]["schemas"]

    assert {"Problem", "Question", "Reply"} <= set(schemas)
    assert "OrderForm" not in schemas
