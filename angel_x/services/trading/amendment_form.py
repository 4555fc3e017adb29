"""The JSON form of an amendment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from angel_x.domain.values.money import to_paisa
from angel_x.errors import Fault, InvalidAmendment
from angel_x.services.intake.order_form import (
    MAX_QUANTITY,
    Fields,
    amount_faults,
    converted,
    field_faults,
    parsed_object,
)


class AmendmentForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The fields to amend; absent and null fields stay unchanged."""

    price: Annotated[Decimal | None, Meta(description="Limit price in rupees")] = None
    trigger_price: Decimal | None = None
    quantity: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_QUANTITY)] | None,
        Meta(description="Units in all, with those that have traded"),
    ] = None


@dataclass(frozen=True, slots=True)
class AmendmentRequest:
    """A validated amendment request; a field that is None stays unchanged."""

    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    quantity: int | None = None

    @property
    def is_empty(self) -> bool:
        return self == AmendmentRequest()


_FIELDS: Fields = {field.name: field for field in msgspec.structs.fields(AmendmentForm)}


def decode(body: bytes) -> AmendmentRequest:
    """Read an amendment.

    Raises:
        InvalidInput: The body is no JSON object.
        InvalidAmendment: With every fault.
    """
    content = parsed_object(body)
    return read({name: value for name, value in content.items() if value is not None})


def read(content: Mapping[str, object]) -> AmendmentRequest:
    """Read the same from parsed JSON.

    Raises:
        InvalidAmendment: With every fault.
    """
    faults = tuple(field_faults(0, content, _FIELDS, "an amendment"))
    if faults:
        raise InvalidAmendment(faults)
    form = AmendmentForm(**converted(content, _FIELDS))
    if faults := tuple(_price_faults(form)):
        raise InvalidAmendment(faults)
    return AmendmentRequest(_paisa(form.price), _paisa(form.trigger_price), form.quantity)


def _price_faults(form: AmendmentForm) -> Iterator[Fault]:
    if form.price is None and form.trigger_price is None and form.quantity is None:
        yield Fault(0, "price", "", "or trigger_price or quantity is required")
    for field, price in (("price", form.price), ("trigger_price", form.trigger_price)):
        if price is not None:
            yield from amount_faults(0, field, price)


def _paisa(price: Decimal | None) -> Decimal | None:
    return None if price is None else to_paisa(price)
