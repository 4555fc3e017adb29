"""What the documentation says of bodies."""

from __future__ import annotations

from angel_x.entrypoints.api import openapi


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
    assert openapi.BASKET_BODY["requestBody"] == {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/BasketForm"}}},
    }
