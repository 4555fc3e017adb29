"""The JSON of scenarios: orders that are not sent, and the axes of the grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, TypeGuard

import msgspec
from msgspec import Meta

from angel_x.domain.orders.order import OrderRequest
from angel_x.domain.strategies.shocks import Axes
from angel_x.errors import InvalidInput
from angel_x.services.controls.control_forms import read
from angel_x.services.intake import order_form

_Percents = Annotated[
    list[Annotated[float, Meta(ge=-90, le=200)]], Meta(min_length=1, max_length=41)
]
_Days = Annotated[list[Annotated[float, Meta(ge=0, le=400)]], Meta(min_length=1, max_length=12)]

_SPOT_PERCENTS = (-5.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 5.0)
_VOL_PERCENTS = (-20.0, 0.0, 20.0)
#: The prefix of the client order ids of orders that are not sent.
_UNNAMED = "scenario"


class AxesForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The axes of the grid, and the part of the book."""

    spot_percents: Annotated[_Percents, Meta(description="Moves of every spot in percent")] = (
        msgspec.field(default_factory=lambda: list(_SPOT_PERCENTS))
    )
    vol_percents: Annotated[
        _Percents, Meta(description="Relative changes of every volatility in percent")
    ] = msgspec.field(default_factory=lambda: list(_VOL_PERCENTS))
    days: Annotated[_Days, Meta(description="Calendar days from now")] = msgspec.field(
        default_factory=lambda: [0.0, 1.0]
    )
    underlying: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Z0-9&-]{1,20}\Z")] | None,
        Meta(description="By default every underlying"),
    ] = None
    positions: Annotated[
        str, Meta(pattern=r"^(held|none)\Z", description="`none` looks at the orders alone")
    ] = "held"


class ScenarioForm(AxesForm, forbid_unknown_fields=True, kw_only=True):
    """A question about the book with orders that are not sent."""

    orders: list[order_form.OrderForm] = []


@dataclass(frozen=True, slots=True)
class ScenarioRequest:
    """A validated question."""

    orders: tuple[OrderRequest, ...]
    axes: Axes
    underlying: str | None
    is_of_book: bool


def decode(body: bytes) -> ScenarioRequest:
    """Read a question; an empty body asks about the book as it is.

    Raises:
        InvalidInput: The body is no JSON object of a question.
        InvalidOrder: With every fault of every order.
    """
    content = order_form.parsed_object(body or b"{}")
    form = read(
        {name: _as_floats(value) for name, value in content.items() if name != "orders"}, AxesForm
    )
    return ScenarioRequest(
        orders=_orders(content),
        axes=Axes(form.spot_percents, form.vol_percents, form.days),
        underlying=form.underlying,
        is_of_book=form.positions == "held",
    )


def _as_floats(value: object) -> object:
    """Return a list with every number as a float; one that is too large is infinite."""
    if not isinstance(value, list):
        return value
    return [float(Decimal(v)) if _is_number(v) else v for v in value]


def _is_number(value: object) -> TypeGuard[int | Decimal]:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _orders(content: Mapping[str, object]) -> tuple[OrderRequest, ...]:
    listed = content.get("orders", [])
    if not isinstance(listed, list):
        raise InvalidInput("orders must be a list of orders", field="orders")
    return order_form.read({"orders": listed}, _UNNAMED) if listed else ()
