"""Reading orders: what is right in one pass, what is wrong with every fault named."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from angel_x.domain.orders.order import OrderRequest, OrderType, Priority, Product, Side, Validity
from angel_x.domain.orders.order_types import ORDER_TYPES, OrderTypeRules
from angel_x.errors import Fault, InvalidInput, InvalidOrder
from angel_x.services.intake import order_form

GOOD: dict[str, Any] = {
    "client_order_id": "a-1",
    "symbol": "NIFTY_25AUG26_24050CE",
    "side": "BUY",
    "quantity": 65,
    "order_type": "LIMIT",
    "price": "100.05",
}


def body(**changes: Any) -> bytes:
    fields = {**GOOD, **changes}
    return json.dumps({k: v for k, v in fields.items() if v is not ...}).encode()


def faults(content: bytes) -> list[tuple[int, str, str]]:
    with pytest.raises(InvalidOrder) as caught:
        order_form.decode(content)
    return [(fault.index, fault.field, fault.value) for fault in caught.value.faults]


def test_one_order_is_read_with_its_defaults() -> None:
    assert order_form.decode(body()) == (
        OrderRequest(
            client_order_id="a-1",
            symbol="NIFTY_25AUG26_24050CE",
            side=Side.BUY,
            quantity=65,
            order_type=OrderType.LIMIT,
            limit_price=Decimal("100.05"),
            trigger_price=None,
            validity=Validity.DAY,
            product=Product.NORMAL,
            priority=Priority.NORMAL,
            tag=None,
        ),
    )


@pytest.mark.parametrize("price", ["100.05", 100.05, "100.050"])
def test_a_price_reads_the_same_as_a_string_and_as_a_number(price: object) -> None:
    assert order_form.decode(body(price=price)) == order_form.decode(body())


def test_action_is_another_name_for_side() -> None:
    assert order_form.decode(body(side=..., action="BUY")) == order_form.decode(body())


def test_several_orders_keep_their_order() -> None:
    orders = [{**GOOD, "client_order_id": f"a-{n}"} for n in range(3)]

    read = order_form.decode(json.dumps({"orders": orders}).encode())

    assert [order.client_order_id for order in read] == ["a-0", "a-1", "a-2"]


def test_parsed_json_reads_the_same_as_bytes() -> None:
    assert order_form.read(json.loads(body())) == order_form.decode(body())


def test_an_idempotency_key_names_orders_that_have_no_id() -> None:
    nameless = {k: v for k, v in GOOD.items() if k != "client_order_id"}

    (single,) = order_form.decode(json.dumps(nameless).encode(), "key")
    several = order_form.decode(json.dumps({"orders": [nameless, GOOD]}).encode(), "key")

    assert single.client_order_id == "key"
    assert [order.client_order_id for order in several] == ["key:0", "a-1"]


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"quantity": 0}, "quantity", "0"),
        ({"quantity": -65}, "quantity", "-65"),
        ({"quantity": 10**30}, "quantity", str(10**30)),
        ({"quantity": "65"}, "quantity", "65"),
        ({"quantity": 65.5}, "quantity", "65.5"),
        ({"quantity": True}, "quantity", "True"),
        ({"quantity": None}, "quantity", "None"),
        ({"quantity": ...}, "quantity", ""),
        ({"symbol": ...}, "symbol", ""),
        ({"symbol": 7}, "symbol", "7"),
        ({"side": ...}, "side", ""),
        ({"side": "HOLD"}, "side", "HOLD"),
        ({"action": "SELL"}, "action", "SELL"),
        ({"client_order_id": ...}, "client_order_id", ""),
        ({"client_order_id": ""}, "client_order_id", ""),
        ({"client_order_id": "a b"}, "client_order_id", "a b"),
        ({"client_order_id": "x" * 65}, "client_order_id", "x" * 65),
        ({"order_type": "STOP"}, "order_type", "STOP"),
        ({"price": ...}, "price", ""),
        ({"price": 0}, "price", "0"),
        ({"price": "-1"}, "price", "-1"),
        ({"price": "1e30"}, "price", "1E+30"),
        ({"price": "NaN"}, "price", "NaN"),
        ({"price": "Infinity"}, "price", "Infinity"),
        ({"price": "1.001"}, "price", "1.001"),
        ({"price": "dear"}, "price", "dear"),
        ({"price": [1]}, "price", "[1]"),
        ({"order_type": "MARKET"}, "price", "100.05"),
        ({"trigger_price": "99"}, "trigger_price", "99"),
        ({"validity": "GTC"}, "validity", "GTC"),
        ({"product": "CNC"}, "product", "CNC"),
        ({"priority": "urgent"}, "priority", "urgent"),
        ({"tag": "x" * 65}, "tag", "x" * 65),
        ({"lots": 1}, "lots", "1"),
    ],
)
def test_each_fault_names_its_field_and_value(
    changes: dict[str, Any], field: str, value: str
) -> None:
    assert faults(body(**changes)) == [(0, field, value)]


def test_a_bare_nan_is_named_like_any_other_value() -> None:
    content = body().replace(b'"100.05"', b"NaN")

    assert faults(content) == [(0, "price", "NaN")]


def test_every_fault_of_every_order_is_named() -> None:
    orders = [{**GOOD, "quantity": 0, "side": "HOLD"}, GOOD, {**GOOD, "price": "-1"}, 7]

    found = faults(json.dumps({"orders": orders}).encode())

    assert [(index, field) for index, field, _ in found] == [
        (0, "quantity"),
        (0, "side"),
        (2, "price"),
        (3, ""),
    ]


def test_a_long_value_is_cut() -> None:
    ((_, field, value),) = faults(body(symbol="x" * 5000))

    assert field == "symbol"
    assert len(value) < 100


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"[]",
        b"7",
        b"null",
        b'{"orders": []}',
        b'{"orders": {}}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"symbol": "N',
    ],
)
def test_what_is_no_request_is_refused_as_a_whole(content: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        order_form.decode(content)

    assert not isinstance(caught.value, InvalidOrder)


def test_one_order_too_many_is_refused() -> None:
    orders = [GOOD] * (order_form.MAX_ORDERS + 1)

    with pytest.raises(InvalidInput, match="10001"):
        order_form.decode(json.dumps({"orders": orders}).encode())


def test_the_schema_describes_every_field() -> None:
    described = order_form.schema()["OrderForm"]

    assert set(described["properties"]) >= set(GOOD) | {"action", "priority", "tag"}
    assert described["required"] == ["symbol", "quantity"]
    assert described["additionalProperties"] is False


@pytest.mark.parametrize(
    ("field", "largest", "beyond"),
    [
        ("quantity", 10_000_000, 10_000_001),
        ("price", "10000000.00", "10000000.01"),
        ("client_order_id", "x" * 64, "x" * 65),
        ("tag", "x" * 64, "x" * 65),
    ],
)
def test_a_field_may_be_as_large_as_its_limit(field: str, largest: object, beyond: object) -> None:
    (order,) = order_form.decode(body(**{field: largest}))

    name = "limit_price" if field == "price" else field
    assert str(getattr(order, name)) == str(largest)
    assert faults(body(**{field: beyond})) == [(0, field, str(beyond))]


@pytest.mark.parametrize(("field", "least", "short"), [("quantity", 1, 0), ("price", "0.01", "0")])
def test_a_field_may_be_as_small_as_its_limit(field: str, least: object, short: object) -> None:
    assert len(order_form.decode(body(**{field: least}))) == 1
    assert faults(body(**{field: short})) == [(0, field, str(short))]


def test_a_request_may_hold_ten_thousand_orders() -> None:
    orders = [{**GOOD, "client_order_id": f"a-{n}"} for n in range(10_000)]

    assert len(order_form.decode(json.dumps({"orders": orders}).encode())) == 10_000
    assert order_form.MAX_ORDERS == 10_000


@pytest.mark.parametrize(("length", "shown"), [(80, "x" * 80), (81, "x" * 80 + "…")])
def test_a_value_is_shown_up_to_eighty_characters(length: int, shown: str) -> None:
    assert faults(body(symbol="x" * length)) == [(0, "symbol", shown)]


@pytest.mark.parametrize("several", [[GOOD], []])
def test_a_field_beside_the_orders_is_named(several: list[dict[str, Any]]) -> None:
    content = json.dumps({"orders": several, "user": "other"}).encode()

    assert {(index, field) for index, field, _ in faults(content)} >= {(0, "orders"), (0, "user")}


def test_a_stop_order_is_read_with_both_prices() -> None:
    (read,) = order_form.decode(body(order_type="SL", price="101.50", trigger_price="101.25"))

    assert (read.order_type, read.limit_price, read.trigger_price) == (
        OrderType.STOP_LIMIT,
        Decimal("101.50"),
        Decimal("101.25"),
    )


def test_an_order_at_market_is_read_without_a_price() -> None:
    (read,) = order_form.decode(body(order_type="MARKET", price=...))

    assert (read.order_type, read.limit_price, read.trigger_price) == (OrderType.MARKET, None, None)


@pytest.mark.parametrize("kind", OrderType)
@pytest.mark.parametrize("has_limit", [True, False])
@pytest.mark.parametrize("has_trigger", [True, False])
def test_an_order_has_the_prices_that_its_type_needs_and_no_other(
    kind: OrderType, *, has_limit: bool, has_trigger: bool
) -> None:
    rules = ORDER_TYPES[kind]
    content = body(
        order_type=kind.value,
        price="100.05" if has_limit else ...,
        trigger_price="99.95" if has_trigger else ...,
    )
    wrong = {
        field
        for field, needed, given in (
            ("price", rules.has_limit, has_limit),
            ("trigger_price", rules.has_trigger, has_trigger),
        )
        if needed is not given
    }

    if wrong:
        assert {field for _, field, _ in faults(content)} == wrong
    else:
        (request,) = order_form.decode(content)
        assert request.order_type is kind


def test_an_order_has_a_validity_and_a_product_that_its_type_allows() -> None:
    rules = OrderTypeRules(
        meaning="", validities=frozenset({Validity.DAY}), products=frozenset({Product.NORMAL})
    )
    form = order_form.OrderForm(symbol="X", quantity=1)
    odd = order_form.OrderForm(
        symbol="X", quantity=1, validity=Validity.IOC, product=Product.INTRADAY
    )

    assert list(order_form.type_faults(0, form, rules)) == []
    assert list(order_form.type_faults(3, odd, rules)) == [
        Fault(3, "validity", "IOC", "must be DAY for a MARKET order"),
        Fault(3, "product", "MIS", "must be NRML for a MARKET order"),
    ]


def test_the_schema_says_which_prices_each_type_needs() -> None:
    fields = order_form.schema()["OrderForm"]["properties"]

    assert fields["order_type"]["description"] == "MARKET, LIMIT or SL"
    assert fields["price"]["description"] == "Limit price in rupees, for LIMIT or SL"
    assert fields["trigger_price"]["description"] == "Rupees, for SL: not beyond the limit"
