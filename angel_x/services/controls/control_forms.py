"""The JSON forms of the kill switch and of square-offs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from angel_x.domain.book.control import ControlScope, OrderSelection
from angel_x.domain.orders.order import Product
from angel_x.errors import InvalidInput
from angel_x.services.intake.order_form import converted, field_faults, parsed_object

_Form = TypeVar("_Form", bound=msgspec.Struct)

_Symbol = Annotated[str, Meta(pattern=r"^[A-Z0-9&_.-]{1,64}\Z")]


class SwitchForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A trading state to set."""

    state: Annotated[
        Literal["on", "off", "active", "reducing", "halted"],
        Meta(description="`on` is halted, `off` is active"),
    ]
    scope: ControlScope = ControlScope.USER
    name: Annotated[
        Annotated[str, Meta(pattern=r"^[!-~]{1,64}\Z")] | None,
        Meta(description="An account's name, by default the caller's own; or an underlying"),
    ] = None
    reason: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00\ud800-\udfff]*\Z")] | None = None


class SquareOffForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The selection of a square-off: all positions by default."""

    key: Annotated[
        Annotated[str, Meta(pattern=r"^[!-~]{1,58}\Z")] | None,
        Meta(description="Names the square-off; sending it again is safe"),
    ] = None
    symbol: _Symbol | None = None
    underlying: _Symbol | None = None
    product: Product | None = None

    @property
    def selection(self) -> OrderSelection:
        return OrderSelection(symbol=self.symbol, underlying=self.underlying, product=self.product)


class SettlementPriceForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The closing value of an index on the day of an expiry."""

    price: Annotated[Decimal, Meta(description="Rupees, to the paisa")]


def decode(content: bytes, form: type[_Form]) -> _Form:
    """Parse a form from JSON; an empty body is an empty object.

    Raises:
        InvalidInput: The body does not match the form; the error names field and value.
    """
    return read(parsed_object(content or b"{}"), form)


def read(fields: Mapping[str, object], form: type[_Form]) -> _Form:
    """Convert parsed JSON to a form.

    Raises:
        InvalidInput: The fields do not match the form; the error names field and value.
    """
    known = {field.name: field for field in msgspec.structs.fields(form)}
    for fault in field_faults(0, fields, known, "this request"):
        detail = f"{fault.field} {fault.detail}, was {fault.value or 'none'}"
        raise InvalidInput(detail, field=fault.field, value=fault.value)
    return form(**converted(fields, known))
