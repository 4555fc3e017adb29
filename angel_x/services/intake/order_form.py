"""The JSON of an order, as HTTP clients and Celery clients send it.

Well-formed requests take one pass of msgspec.  Only when that refuses is the request read again,
field by field, to name every fault of every order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, get_args

import msgspec
from msgspec import Meta

from angel_x.domain.orders.order import OrderRequest, OrderType, Priority, Product, Side, Validity
from angel_x.domain.orders.order_types import (
    LIMITED,
    ORDER_TYPES,
    TAKEN,
    TRIGGERED,
    OrderTypeRules,
    listed,
)
from angel_x.domain.values.money import to_paisa
from angel_x.domain.values.written_number import RULE, is_plain
from angel_x.errors import Fault, InvalidInput, InvalidOrder
from angel_x.services.intake import storable_text

#: Orders that one request may hold.
MAX_ORDERS = 10_000
#: Units that one order may ask for, far above any freeze quantity.
MAX_QUANTITY = 10_000_000
#: Rupees that a price may be, far above any premium.
MAX_PRICE = Decimal(10_000_000)
_SHOWN = 80

Text = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[!-~]+\Z")]


class OrderForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One order on the wire."""

    symbol: Annotated[str, Meta(min_length=1, max_length=64, description="NIFTY_25AUG26_24050CE")]
    quantity: Annotated[int, Meta(ge=1, le=MAX_QUANTITY, description="Units, not lots")]
    client_order_id: Annotated[
        Text | None, Meta(description="Names the order; sending it again is safe")
    ] = None
    side: Side | None = None
    #: Another name for ``side``.
    action: Side | None = None
    order_type: Annotated[OrderType, Meta(description=listed(TAKEN))] = OrderType.MARKET
    price: Annotated[
        Decimal | None, Meta(description=f"Limit price in rupees, for {listed(LIMITED)}")
    ] = None
    trigger_price: Annotated[
        Decimal | None,
        Meta(description=f"Rupees, for {listed(TRIGGERED & set(TAKEN))}: not beyond the limit"),
    ] = None
    validity: Validity = Validity.DAY
    product: Product = Product.NORMAL
    priority: Priority = Priority.NORMAL
    tag: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00\ud800-\udfff]*\Z")] | None = None


#: A price as text that is no plain number, or an escape that may hide one.
_UNPLAIN = re.compile(rb'price"\s*:\s*"(?![0-9A-Za-z.+-]*")|\\u')
#: The fields of a form, by name.
Fields = Mapping[str, msgspec.structs.FieldInfo]

_FIELDS: Fields = {field.name: field for field in msgspec.structs.fields(OrderForm)}
_envelope = msgspec.json.Decoder(dict[str, msgspec.Raw])
_listed = msgspec.json.Decoder(dict[str, list[msgspec.Raw]])
_single = msgspec.json.Decoder(OrderForm)
_several = msgspec.json.Decoder(list[OrderForm])


def decode(body: bytes, idempotency_key: str | None = None) -> tuple[OrderRequest, ...]:
    """Read one order or ``{"orders": [...]}``.

    An order without a client order id takes ``idempotency_key``, with its position behind it
    where there are several.

    Raises:
        InvalidInput: The body is no JSON object, or holds no orders or too many.
        InvalidOrder: With every fault of every order.
    """
    try:
        envelope = _envelope.decode(body)
        if _UNPLAIN.search(body):
            return read(parsed(body), idempotency_key)
        if (listed := envelope.get("orders")) is not None and len(envelope) == 1:
            forms = _several.decode(listed)
        else:
            forms = [_single.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return read(parsed(body), idempotency_key)
    return _requests(dict(enumerate(forms)), len(forms), [], idempotency_key)


def decode_estimate(body: bytes, idempotency_key: str) -> tuple[OrderRequest, ...]:
    """Read the same, or an empty list of orders.

    Raises:
        InvalidInput: The body is no JSON object, or holds too many orders.
        InvalidOrder: With every fault of every order.
    """
    return () if _is_empty(body) else decode(body, idempotency_key)


def _is_empty(body: bytes) -> bool:
    try:
        return _envelope.decode(body).keys() == {"orders"} and not _listed.decode(body)["orders"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def read(content: object, idempotency_key: str | None = None) -> tuple[OrderRequest, ...]:
    """Read the same from parsed JSON, field by field.

    Raises:
        InvalidInput: The content is no object, or holds no orders or too many.
        InvalidOrder: With every fault of every order.
    """
    if not isinstance(content, dict):
        raise InvalidInput(f"the request must be a JSON object, was {_shown(content)}")
    listed = content["orders"] if set(content) == {"orders"} else [content]
    if not isinstance(listed, list):
        raise InvalidInput(f"orders must be a list, was {_shown(listed)}")
    _check_count(len(listed))
    faults: list[Fault] = []
    forms = {}
    for index, fields in enumerate(listed):
        wrong = list(field_faults(index, fields, _FIELDS))
        if wrong:
            faults += wrong
        else:
            forms[index] = OrderForm(**converted(fields, _FIELDS))
    return _requests(forms, len(listed), faults, idempotency_key)


def schema() -> dict[str, Any]:
    """Return the JSON schema of one order."""
    _, components = msgspec.json.schema_components([OrderForm])
    return components


def parsed(body: bytes) -> object:
    """Return JSON with every number as it was written.

    Raises:
        InvalidInput: It is no JSON.
    """
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=Decimal)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the request must be JSON: {error}") from error


def parsed_object(body: bytes) -> Mapping[str, object]:
    """Return a JSON object with every number as it was written.

    Raises:
        InvalidInput: It is no JSON, or no object.
    """
    content = parsed(body)
    if not isinstance(content, dict):
        raise InvalidInput(f"the request must be a JSON object, was {_shown(content)}")
    return content


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_ORDERS:
        raise InvalidInput(
            f"orders must hold 1 to {MAX_ORDERS} orders, was {count}",
            field="orders",
            value=str(count),
        )


def field_faults(
    index: int, fields: object, known: Fields, whole: str = "an order"
) -> Iterator[Fault]:
    """Yield the faults of each field of one JSON object by itself."""
    if not isinstance(fields, Mapping):
        yield Fault(index, "", _shown(fields), "must be a JSON object")
        return
    for name in fields:
        if name not in known:
            yield Fault(index, _shown(name), _shown(fields[name]), f"is not a field of {whole}")
    for name, field in known.items():
        if name not in fields:
            if field.required:
                yield Fault(index, name, "", "is required")
            continue
        try:
            _convert_field(fields[name], field.type)
        except (msgspec.ValidationError, ArithmeticError) as error:
            yield Fault(index, name, _shown(fields[name]), _reason(error))


def converted(fields: Mapping[str, object], known: Fields) -> dict[str, Any]:
    """Return the values of fields that have no faults."""
    return {name: _convert_field(value, known[name].type) for name, value in fields.items()}


def _convert_field(value: object, kind: Any) -> Any:  # noqa: ANN401 - the type is a value here
    if isinstance(value, bool):
        raise msgspec.ValidationError("must not be a boolean")
    texts = value if isinstance(value, list) else [value]
    if not all(storable_text.is_storable(text) for text in texts if isinstance(text, str)):
        raise msgspec.ValidationError(storable_text.RULE)
    if _takes_amount(kind):
        if isinstance(value, str) and value and not is_plain(value):
            raise msgspec.ValidationError(RULE)
        value = Decimal(value) if isinstance(value, int) else value
    return msgspec.convert(value, kind)


def _takes_amount(kind: object) -> bool:
    return kind is Decimal or any(map(_takes_amount, get_args(kind)))


def _requests(
    forms: Mapping[int, OrderForm], count: int, faults: list[Fault], key: str | None
) -> tuple[OrderRequest, ...]:
    _check_count(count)
    for index, form in forms.items():
        if form.client_order_id is None and key is not None:
            form.client_order_id = key if count == 1 else f"{key}:{index}"
        faults += _rule_faults(index, form)
    if faults:
        raise InvalidOrder(tuple(sorted(faults, key=lambda fault: fault.index)))
    return tuple(_request(form) for form in forms.values())


def _rule_faults(index: int, form: OrderForm) -> Iterator[Fault]:
    """Yield the faults between fields."""
    if form.client_order_id is None:
        yield Fault(index, "client_order_id", "", "is required")
    if form.side is None and form.action is None:
        yield Fault(index, "side", "", "is required")
    if form.side is not None and form.action is not None and form.side is not form.action:
        yield Fault(index, "action", form.action, f"must agree with side {form.side}")
    yield from type_faults(index, form, ORDER_TYPES[form.order_type])


def type_faults(index: int, form: OrderForm, rules: OrderTypeRules) -> Iterator[Fault]:
    """Yield the prices, validity and product that the type of an order does not allow."""
    kind = form.order_type
    yield from _price_faults(index, "price", form.price, kind, wanted=rules.has_limit)
    yield from _price_faults(
        index, "trigger_price", form.trigger_price, kind, wanted=rules.has_trigger
    )
    yield from _choice_faults(index, "validity", form.validity, rules.validities, kind)
    yield from _choice_faults(index, "product", form.product, rules.products, kind)


def _choice_faults(
    index: int, field: str, value: str, allowed: Collection[str], order_type: OrderType
) -> Iterator[Fault]:
    if value not in allowed:
        choices = " or ".join(sorted(allowed))
        yield Fault(index, field, value, f"must be {choices} for a {order_type} order")


def _price_faults(
    index: int, field: str, price: Decimal | None, order_type: OrderType, *, wanted: bool
) -> Iterator[Fault]:
    if price is None:
        if wanted:
            yield Fault(index, field, "", f"is required for a {order_type} order")
    elif not price.is_finite():
        yield Fault(index, field, _shown(price), "must be a finite number")
    elif not wanted:
        yield Fault(index, field, _shown(price), f"must be absent from a {order_type} order")
    else:
        yield from amount_faults(index, field, price)


def amount_faults(index: int, field: str, price: Decimal) -> Iterator[Fault]:
    """Yield the faults of a price, limit or trigger."""
    if not price.is_finite():
        yield Fault(index, field, _shown(price), "must be a finite number")
    elif not 0 < price <= MAX_PRICE:
        yield Fault(index, field, _shown(price), f"must be above 0 and at most {MAX_PRICE}")
    elif price != to_paisa(price):
        yield Fault(index, field, _shown(price), "must not be finer than a paisa")


def _request(form: OrderForm) -> OrderRequest:
    side = form.side or form.action
    assert side is not None
    assert form.client_order_id is not None
    return OrderRequest(
        client_order_id=form.client_order_id,
        symbol=form.symbol,
        side=side,
        quantity=form.quantity,
        order_type=form.order_type,
        limit_price=None if form.price is None else to_paisa(form.price),
        trigger_price=None if form.trigger_price is None else to_paisa(form.trigger_price),
        validity=form.validity,
        product=form.product,
        priority=form.priority,
        tag=form.tag,
    )


def _shown(value: object) -> str:
    # Halves of characters are spelled out: no answer, log or store could hold them.
    text = str(value).encode(errors="backslashreplace").decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _reason(error: Exception) -> str:
    text = str(error)
    return text[:1].lower() + text[1:]
