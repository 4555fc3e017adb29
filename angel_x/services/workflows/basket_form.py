"""The JSON of a basket: its name, the orders of its legs, and the choice for a refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from angel_x.domain.orders.order import OrderRequest
from angel_x.domain.workflows.basket import BasketRequest, OnRefusal
from angel_x.errors import Fault, InvalidInput, InvalidOrder
from angel_x.services.intake import order_form


class BasketForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Orders that trade together.  They have no `client_order_id`: the basket names them."""

    orders: Annotated[list[order_form.OrderForm], Meta(min_length=1, max_length=50)]
    basket_id: Annotated[
        Annotated[str, Meta(min_length=1, max_length=58)] | None,
        Meta(description="Names the basket; sending it again is safe"),
    ] = None
    on_refusal: OnRefusal = OnRefusal.KEEP


#: Legs of one basket.
MAX_LEGS = 50
_NAME = re.compile(r"[!-~]{1,58}")
_FIELDS = frozenset({"basket_id", "orders", "on_refusal"})
_SHOWN = 80


def decode(body: bytes, name: str | None = None) -> BasketRequest:
    """Read a basket; ``name`` is taken where it has none of its own.

    Raises:
        InvalidInput: The body is no JSON object of a basket.
        InvalidOrder: With every fault of every leg.
    """
    content = order_form.parsed_object(body)
    if unknown := sorted(set(content) - _FIELDS):
        raise _fault(str(unknown[0]), content[unknown[0]], "is not a field of a basket")
    listed = content.get("orders")
    requests = _orders(listed)
    return make(
        content.get("basket_id", name), requests, content.get("on_refusal", OnRefusal.KEEP.value)
    )


def make(
    name: object, requests: tuple[OrderRequest, ...], on_refusal: object = OnRefusal.KEEP
) -> BasketRequest:
    """Return a basket of orders that were read.

    Raises:
        InvalidInput: The name, the number of legs or the choice cannot be accepted.
    """
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise _fault("basket_id", name, "must be 1 to 58 printable characters without spaces")
    if not isinstance(on_refusal, str) or on_refusal not in set(OnRefusal):
        raise _fault("on_refusal", on_refusal, f"must be one of {', '.join(OnRefusal)}")
    if len(requests) > MAX_LEGS:
        raise _fault("orders", len(requests), f"must hold at most {MAX_LEGS} legs")
    return BasketRequest(name, requests, OnRefusal(on_refusal))


def _orders(listed: object) -> tuple[OrderRequest, ...]:
    if not isinstance(listed, list):
        raise _fault("orders", listed, "must be a list of orders")
    named = [
        Fault(index, "client_order_id", str(fields["client_order_id"])[:_SHOWN], _NO_NAMES)
        for index, fields in enumerate(listed)
        if isinstance(fields, Mapping) and fields.get("client_order_id") is not None
    ]
    if named:
        raise InvalidOrder(tuple(named))
    return order_form.read({"orders": listed}, "leg")


_NO_NAMES = "must be absent, the basket names its legs"


def _fault(field: str, value: object, detail: str) -> InvalidInput:
    shown = str(value)[:_SHOWN]
    return InvalidInput(f"{field} {detail}, was {shown}", field=field, value=shown)
