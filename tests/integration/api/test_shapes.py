"""Amendments, slices, baskets and estimates over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from angel_x import Client
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import OrderStatus
from angel_x.domain.records.access import Scope
from angel_x.domain.workflows.basket import BasketResult, OnRefusal
from angel_x.errors import Conflict, InvalidRequest, NotFound
from tests.builders.orders import Market
from tests.integration.api.conftest import StartApi
from tests.integration.api.running import RunningApi

LOT = 65
FREEZE = LOT * 27


@pytest.fixture
def api(start_api: StartApi) -> RunningApi:
    return start_api()


@pytest.fixture
def market(api: RunningApi) -> Market:
    return Market.open(api.application)


@pytest.fixture
def key(api: RunningApi, market: Market) -> str:
    return api.open_account("trader")[1]


@pytest.fixture
def client(api: RunningApi, key: str) -> Iterator[Client]:
    with Client(api.url, key, retries=0) as client:
        yield client


def fields(market: Market, place: int = 0, **changes: object) -> dict[str, object]:
    return {"symbol": market.symbols[place], "side": "BUY", "quantity": LOT} | changes


def resting(market: Market, client: Client) -> str:
    """Submit an order that rests; return its id."""
    (receipt,) = client.submit(fields(market, order_type="LIMIT", price="90.00"))
    market.application.trading.execution.run([int(receipt.order_id)])
    return receipt.order_id


def test_an_amended_order_is_answered_as_it_stands(market: Market, client: Client) -> None:
    order_id = resting(market, client)

    order = client.modify(order_id, price="95.00", quantity=LOT * 2)

    assert (order.status, order.price, order.quantity) == (
        OrderStatus.WORKING, Decimal("95.00"), LOT * 2,
    )  # fmt: skip
    assert order.events[-1].reason == "AMENDED"


def test_an_amendment_that_trades_says_so(market: Market, client: Client) -> None:
    order_id = resting(market, client)

    order = client.modify(order_id, price="101.00")

    assert (order.status, order.average_price) == (OrderStatus.FILLED, Decimal("100.5000"))
    assert [fill.quantity for fill in order.fills] == [LOT]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "price"),
        ({"price": "95.03"}, "price"),
        ({"price": "9999.00"}, "price"),
        ({"price": "NaN"}, "price"),
        ({"price": -1}, "price"),
        ({"price": True}, "price"),
        ({"price": "1e400000"}, "price"),
        ({"quantity": 66}, "quantity"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": "65"}, "quantity"),
        ({"quantity": FREEZE + LOT}, "quantity"),
        ({"trigger_price": "95.00"}, "trigger_price"),
        ({"side": "SELL"}, "side"),
    ],
)
def test_a_bad_amendment_names_its_field_and_changes_nothing(
    api: RunningApi, market: Market, client: Client, key: str, content: object, field: str
) -> None:
    order_id = resting(market, client)
    before = client.order(order_id)

    answer = api.call("PATCH", f"/v1/orders/{order_id}", key=key, content=content)

    assert (answer.status, answer.body["errors"][0]["field"]) == (422, field)
    assert answer.body["errors"][0]["index"] is None
    assert client.order(order_id) == before


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'"price"', b"\xff", b"[" * 4000])
def test_a_body_that_is_no_object_is_refused(
    api: RunningApi, market: Market, client: Client, key: str, body: bytes
) -> None:
    order_id = resting(market, client)

    for method, path in (
        ("PATCH", f"/v1/orders/{order_id}"),
        ("POST", "/v1/baskets"),
        ("POST", "/v1/margin"),
    ):
        answer = api.call(method, path, key=key, body=body)

        assert answer.status == 400
        assert answer.body["detail"].startswith("the request must be JSON: ") or (
            answer.body["detail"] == f"the request must be a JSON object, was {json.loads(body)}"
        )


def test_what_margin_forbids_is_a_conflict_with_the_reason(api: RunningApi, market: Market) -> None:
    _, key = api.open_account("poor", cash="7000.00")
    with Client(api.url, key, retries=0) as client:
        order_id = resting(market, client)
        before = client.order(order_id)

        with pytest.raises(Conflict) as caught:
            client.modify(order_id, quantity=LOT * 2)

        assert [(f.field, f.value) for f in caught.value.faults] == [
            ("reason", "INSUFFICIENT_MARGIN")
        ]
        assert client.order(order_id) == before


def test_a_closed_an_unknown_and_a_forbidden_order_are_told_apart(
    api: RunningApi, market: Market, client: Client
) -> None:
    order_id = resting(market, client)
    client.cancel(order_id)
    _, reader = api.open_account("reader", scopes=[Scope.READ])

    with pytest.raises(Conflict, match="canceled"):
        client.modify(order_id, price="95.00")
    with pytest.raises(NotFound):
        client.modify("999999", price="95.00")
    answer = api.call("PATCH", f"/v1/orders/{order_id}", key=reader, content={"price": "95.00"})
    assert answer.status == 403


def test_a_sliced_order_is_one_order_with_slices(market: Market, client: Client) -> None:
    (receipt,) = client.submit(fields(market, quantity=FREEZE * 2, client_order_id="big"))
    again = client.submit(fields(market, quantity=FREEZE * 2, client_order_id="big"))
    market.application.trading.execution.run([int(receipt.order_id)])

    order = client.order(receipt.order_id)

    assert again[0].order_id == receipt.order_id
    assert (order.status, order.filled_quantity) == (OrderStatus.FILLED, FREEZE * 2)
    assert [s.client_order_id for s in order.slices] == ["big 1", "big 2"]
    assert {s.parent_id for s in order.slices} == {order.order_id}
    assert len(order.fills) == 2
    assert [o.order_id for o in client.orders()] == [order.order_id]
    assert len(list(client.orders(parent_id=order.order_id))) == 2


def test_positions_say_their_product(market: Market, client: Client) -> None:
    (receipt,) = client.submit(fields(market, product="NRML"))
    market.application.trading.execution.run([int(receipt.order_id)])

    (position,) = client.positions()

    assert (position.product, position.quantity) == ("NRML", LOT)


def spread(market: Market) -> list[dict[str, object]]:
    return [fields(market, 1, side="SELL"), fields(market, 0)]


def test_a_basket_is_stored_then_known(api: RunningApi, market: Market, key: str) -> None:
    content = {"basket_id": "spread", "orders": spread(market)}

    first = api.call("POST", "/v1/baskets", key=key, content=content)
    second = api.call("POST", "/v1/baskets", key=key, content=content)
    other = api.call("POST", "/v1/baskets", key=key, content=content | {"on_refusal": "flatten"})

    assert (first.status, second.status, other.status) == (202, 200, 409)
    assert first.body["status"] == "running"
    assert [order["status"] for order in first.body["orders"]] == ["received"] * 2
    assert second.body == first.body
    assert api.count("orders") == 2


def test_a_basket_is_read_with_what_came_of_it(market: Market, client: Client) -> None:
    basket = client.basket(spread(market), basket_id="spread", on_refusal=OnRefusal.FLATTEN)
    with market.application.base.engine.connect() as connection:
        workflow_id = connection.exec_driver_sql("SELECT id FROM workflows").scalar_one()

    market.application.workflows.advance.run(workflow_id)
    ended = client.read_basket("spread")

    assert basket.result is None
    assert (ended.status, ended.result) == ("done", BasketResult.FILLED)
    assert {order.basket_id for order in ended.orders} == {"spread"}
    assert len(list(client.orders(basket_id="spread"))) == 2
    assert list(client.orders(basket_id="another")) == []


def test_the_header_names_a_basket_that_has_no_name(
    api: RunningApi, market: Market, key: str
) -> None:
    content = {"orders": spread(market)}

    named = api.call("POST", "/v1/baskets", key=key, content=content, Idempotency_Key="b1")
    unnamed = api.call("POST", "/v1/baskets", key=key, content=content)

    assert (named.status, named.body["basket_id"]) == (202, "b1")
    assert (unnamed.status, unnamed.body["errors"][0]["field"]) == (400, "basket_id")


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"basket_id": "a b"}, 400, "basket_id"),
        ({"basket_id": 7}, 400, "basket_id"),
        ({"on_refusal": "hedge"}, 400, "on_refusal"),
        ({"on_refusal": {}}, 400, "on_refusal"),
        ({"orders": None}, 400, "orders"),
        ({"orders": []}, 400, "orders"),
        ({"orders": [3]}, 422, ""),
        ({"surprise": 1}, 400, "surprise"),
    ],
)
def test_a_bad_basket_is_refused_and_nothing_is_stored(
    api: RunningApi, market: Market, key: str, changes: dict[str, Any], status: int, field: str
) -> None:
    content = {"basket_id": "spread", "orders": spread(market)} | changes

    answer = api.call("POST", "/v1/baskets", key=key, content=content)

    assert (answer.status, answer.body["errors"][0]["field"]) == (status, field)
    assert (api.count("orders"), api.count("workflows")) == (0, 0)


def test_legs_have_no_names_of_their_own(api: RunningApi, market: Market, client: Client) -> None:
    legs = spread(market)
    legs[1]["client_order_id"] = "mine"

    with pytest.raises(InvalidRequest) as caught:
        client.basket(legs)

    assert [(f.index, f.field) for f in caught.value.faults] == [(1, "client_order_id")]
    assert api.count("orders") == 0


def test_an_unknown_basket_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound):
        client.read_basket("nowhere")


def test_margin_of_a_hedge_is_its_premium(api: RunningApi, market: Market, client: Client) -> None:
    estimate = client.margin(fields(market, order_type="LIMIT", price="100.50"))

    assert estimate.fits
    assert estimate.initial_margin == 0
    assert estimate.premium == Decimal("-6532.50")
    assert estimate.free_balance_after == (
        estimate.free_balance + estimate.premium - estimate.charges
    )
    assert api.count("orders") == 0
    assert client.margin().free_balance == estimate.free_balance


def test_margin_is_what_the_orders_then_take(market: Market, client: Client) -> None:
    sale = fields(market, 1, side="SELL", order_type="LIMIT", price="100.00")
    estimate = client.margin([sale])

    (receipt,) = client.submit(sale)
    market.application.trading.execution.run([int(receipt.order_id)])

    balance = client.margin()
    assert balance.margin_used == estimate.margin_used_after
    assert balance.free_balance == estimate.free_balance_after


def test_an_empty_list_asks_about_the_account_as_it_is(client: Client) -> None:
    estimate = client.margin([])

    assert estimate.fits
    assert estimate.initial_margin == len(estimate.orders) == 0
    assert estimate.free_balance == estimate.free_balance_after == client.margin().free_balance


def test_an_estimate_names_what_would_be_denied(api: RunningApi, market: Market) -> None:
    _, key = api.open_account("poor", cash="20000.00")
    with Client(api.url, key, retries=0) as client:
        estimate = client.margin(spread(market))

    assert not estimate.fits
    assert [order.reason for order in estimate.orders] == [
        DenialReason.INSUFFICIENT_MARGIN,
        None,
    ]


def test_an_estimate_counts_the_charges_of_every_slice(market: Market, client: Client) -> None:
    whole = client.margin(fields(market, quantity=FREEZE, order_type="LIMIT", price="100.50"))
    twice = client.margin(fields(market, quantity=FREEZE * 2, order_type="LIMIT", price="100.50"))

    assert twice.charges == 2 * whole.charges


def test_an_estimate_of_what_cannot_be_accepted_names_the_fault(
    market: Market, client: Client
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client.margin([fields(market), fields(market, quantity=66)])

    assert [(f.index, f.field) for f in caught.value.faults] == [(1, "quantity")]


def test_the_document_describes_all_of_it(api: RunningApi) -> None:
    document = api.call("GET", "/openapi.json").body

    paths = document["paths"]
    assert "patch" in paths["/v1/orders/{order_id}"]
    assert {"post", "get"} <= paths["/v1/margin"].keys()
    assert "post" in paths["/v1/baskets"]
    assert {"AmendmentForm", "BasketForm", "BasketRecord", "MarginEstimate"} <= (
        document["components"]["schemas"].keys()
    )
