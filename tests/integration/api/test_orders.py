from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from angel_x import Client
from angel_x.adapters.redis.redeliveries import RedisRedeliveries
from angel_x.errors import Conflict
from angel_x.services.intake.messaging import MAX_ATTEMPTS
from tests.builders.message_ids import new_id
from tests.integration.api.running import RunningApi, wait_until

Order = dict[str, Any]


def test_an_order_is_stored_before_it_is_answered_for(
    api: RunningApi, key: str, order: Order
) -> None:
    answer = api.call("POST", "/v1/orders", key=key, content=order)

    assert answer.status == 202
    (receipt,) = answer.body["orders"]
    assert receipt["client_order_id"] == "first"
    assert receipt["status"] == "received"
    stored = api.call("GET", f"/v1/orders/{receipt['order_id']}", key=key).body
    assert stored["price"] == "10.05"
    assert stored["accepted_at"].endswith("Z")
    assert [event["status"] for event in stored["events"]] == ["received"]
    assert stored["fills"] == []


def test_an_exact_replay_answers_with_the_same_order(
    api: RunningApi, key: str, order: Order
) -> None:
    first = api.call("POST", "/v1/orders", key=key, content=order)
    again = api.call("POST", "/v1/orders", key=key, content=order | {"price": 10.05})

    assert (first.status, again.status) == (202, 200)
    assert again.body["orders"][0]["order_id"] == first.body["orders"][0]["order_id"]
    assert api.count("orders") == 1


def test_the_same_id_with_other_content_is_a_conflict(
    api: RunningApi, key: str, order: Order
) -> None:
    api.call("POST", "/v1/orders", key=key, content=order)
    other = {"orders": [order | {"client_order_id": "new"}, order | {"price": "11"}]}

    answer = api.call("POST", "/v1/orders", key=key, content=other)

    assert answer.status == 409
    assert answer.body["errors"][0]["value"] == "first"
    assert api.count("orders") == 1


def test_the_same_id_of_two_accounts_is_two_orders(api: RunningApi, key: str, order: Order) -> None:
    _, other = api.open_account("other")

    answers = [api.call("POST", "/v1/orders", key=k, content=order) for k in (key, other)]

    assert [answer.status for answer in answers] == [202, 202]
    assert api.count("orders") == 2


def test_one_id_from_twenty_connections_at_once_is_one_order(
    api: RunningApi, key: str, order: Order
) -> None:
    together = threading.Barrier(20)

    def submit(_: int) -> tuple[int, str]:
        together.wait()
        answer = api.call("POST", "/v1/orders", key=key, content=order)
        return answer.status, answer.body["orders"][0]["order_id"]

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(submit, range(20)))

    assert {status for status, _ in answers} <= {200, 202}
    assert len({order_id for _, order_id in answers}) == 1
    assert api.count("orders") == 1
    assert api.count("order_events") == 1


def test_overlapping_requests_in_opposite_order_are_all_answered(
    api: RunningApi, key: str, order: Order
) -> None:
    orders = [order | {"client_order_id": f"o{i}"} for i in range(100)]

    def submit(i: int) -> int:
        content = {"orders": orders[::-1] if i % 2 else orders}
        return api.call("POST", "/v1/orders", key=key, content=content).status

    with ThreadPoolExecutor(10) as threads:
        statuses = list(threads.map(submit, range(20)))

    assert set(statuses) <= {200, 202}
    assert api.count("orders") == 100


def test_an_idempotency_key_names_orders_that_have_no_id(
    api: RunningApi, key: str, order: Order
) -> None:
    del order["client_order_id"]

    one = api.call("POST", "/v1/orders", key=key, content=order, Idempotency_Key="k")
    again = api.call("POST", "/v1/orders", key=key, content=order, Idempotency_Key="k")
    two = api.call(
        "POST", "/v1/orders", key=key, content={"orders": [order, order]}, Idempotency_Key="m"
    )

    assert (one.status, again.status, two.status) == (202, 200, 202)
    assert one.body["orders"][0]["client_order_id"] == "k"
    assert [o["client_order_id"] for o in two.body["orders"]] == ["m:0", "m:1"]
    assert api.count("orders") == 3


def test_an_answer_says_where_its_record_is_and_that_it_was_stored_before(
    api: RunningApi, key: str, order: Order
) -> None:
    leg = {name: value for name, value in order.items() if name != "client_order_id"}
    basket = {"basket_id": "half/past?%", "orders": [leg, leg]}
    for path, content in (
        ("/v1/orders", order),
        ("/v1/baskets", basket),
        ("/v1/square-off", {"key": "out"}),
    ):
        new, known = (api.call("POST", path, key=key, content=content) for _ in range(2))

        assert (new.status, known.status) == (202, 200), path
        assert new.headers["Location"] == known.headers["Location"]
        assert "Idempotent-Replayed" not in new.headers
        assert known.headers["Idempotent-Replayed"] == "true"
        assert api.call("GET", new.headers["Location"], key=key).status == 200

    several = {"orders": [order | {"client_order_id": name} for name in ("second", "third")]}
    assert "Location" not in api.call("POST", "/v1/orders", key=key, content=several).headers


def test_ten_thousand_orders_are_accepted_at_once(api: RunningApi, key: str, order: Order) -> None:
    orders = [order | {"client_order_id": f"o{i}"} for i in range(10_000)]

    answer = api.call("POST", "/v1/orders", key=key, content={"orders": orders})

    assert answer.status == 202
    assert len(answer.body["orders"]) == 10_000
    assert api.count("orders") == 10_000


def test_a_full_queue_turns_orders_away_but_not_emergencies_that_reduce(
    start_api: Callable[..., RunningApi],
) -> None:
    api = start_api(ANGEL_X_MAX_QUEUE_SIZE="3")
    api.application.market.contracts.load_generated()
    user_id, key = api.open_account("trader")
    order = api.order_fields()
    with api.application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO exposures (user_id, symbol, net_quantity) VALUES (%s, %s, %s)",
            (user_id, order["symbol"], order["quantity"]),
        )
    three = {"orders": [order | {"client_order_id": f"o{i}"} for i in range(3)]}
    assert api.call("POST", "/v1/orders", key=key, content=three).status == 202

    refused = api.call("POST", "/v1/orders", key=key, content=order)
    urgent = order | {"priority": "emergency"}
    opening = api.call("POST", "/v1/orders", key=key, content=urgent)
    closing = api.call("POST", "/v1/orders", key=key, content=urgent | {"side": "SELL"})
    again = urgent | {"side": "SELL", "client_order_id": "again"}
    more = api.call("POST", "/v1/orders", key=key, content=again)

    assert refused.status == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert (opening.status, closing.status, more.status) == (429, 202, 429)
    assert api.count("orders") == 4


def test_an_order_in_an_expired_contract_is_refused(
    api: RunningApi, key: str, order: Order
) -> None:
    now = api.application.base.clock()
    with api.application.base.engine.begin() as connection:
        past = now - timedelta(days=1)
        connection.execute(text("UPDATE contracts SET expires_at = :past"), {"past": past})
    api.application.market.contracts.publish("0123456789abcdef")
    universes = api.application.market.universes
    wait_until(lambda: universes.current().contracts[0].expires_at < now)

    answer = api.call("POST", "/v1/orders", key=key, content=order)

    assert answer.status == 422
    (fault,) = answer.body["errors"]
    assert (fault["field"], fault["value"]) == ("symbol", order["symbol"])
    assert api.count("orders") == 0


def test_pages_are_complete_and_newest_first(client: Client, order: Order) -> None:
    sent = client.submit([order | {"client_order_id": f"o{i}"} for i in range(25)])

    read = list(client.orders(page_size=10))

    assert [o.order_id for o in read] == [r.order_id for r in reversed(sent)]


def test_a_page_is_not_disturbed_by_orders_that_come_in(
    api: RunningApi, client: Client, key: str, order: Order
) -> None:
    client.submit([order | {"client_order_id": f"o{i}"} for i in range(4)])
    first = api.call("GET", "/v1/orders?limit=2", key=key).body
    client.submit(order | {"client_order_id": "late"})

    second = api.call("GET", f"/v1/orders?limit=2&cursor={first['next']}", key=key).body

    ids = [o["client_order_id"] for o in first["orders"] + second["orders"]]
    assert ids == ["o3", "o2", "o1", "o0"]
    assert second["next"] is None


def test_filters_narrow_the_list(api: RunningApi, client: Client, key: str, order: Order) -> None:
    other_symbol = api.application.market.universes.current().symbols[1]
    client.submit([order, order | {"client_order_id": "second", "symbol": other_symbol}])

    assert [o.client_order_id for o in client.orders(symbol=other_symbol)] == ["second"]
    assert [o.client_order_id for o in client.orders(status="received")] == ["second", "first"]
    assert list(client.orders(status="filled")) == []
    assert list(client.orders(since=api.application.base.clock() + timedelta(hours=1))) == []
    found = api.call("GET", "/v1/orders?client_order_id=first", key=key).body["orders"]
    assert [o["client_order_id"] for o in found] == ["first"]


def test_a_canceled_order_is_closed_and_cannot_be_canceled_again(
    client: Client, order: Order
) -> None:
    (receipt,) = client.submit(order)

    canceled = client.cancel(receipt.order_id)

    assert canceled.status == "canceled"
    assert [event.status for event in canceled.events] == ["received", "canceled"]
    with pytest.raises(Conflict, match="canceled"):
        client.cancel(receipt.order_id)


def test_an_order_of_another_account_is_not_found(
    api: RunningApi, client: Client, order: Order
) -> None:
    (receipt,) = client.submit(order)
    _, other = api.open_account("other")

    for method in ("GET", "DELETE"):
        answer = api.call(method, f"/v1/orders/{receipt.order_id}", key=other)
        assert answer.status == 404
        assert answer.body["errors"][0]["value"] == receipt.order_id
    assert api.call("GET", "/v1/submissions/first", key=other).status == 404
    assert client.order(receipt.order_id).status == "received"


def test_an_order_is_found_by_its_client_order_id(client: Client, order: Order) -> None:
    client.submit(order | {"client_order_id": "desk/7?a=b#c%20"})

    assert client.submission("desk/7?a=b#c%20").symbol == order["symbol"]


def test_the_refusal_of_a_message_is_told_by_client_order_id(
    api: RunningApi, account: tuple[int, str], order: Order
) -> None:
    _, key = account
    api.application.intake.messaging.submit(new_id(), order | {"quantity": 1}, user="trader")

    answer = api.call("GET", "/v1/submissions/first", key=key)

    assert answer.status == 422
    assert answer.body["type"] == "urn:angel-x:invalid-order"
    assert answer.headers["link"] == '</docs/problems#invalid-order>; rel="describedby"'
    assert answer.body["errors"][0]["field"] == "quantity"
    assert answer.body["errors"][0]["value"] == "1"
    assert api.count("orders") == 0


def test_the_refusal_of_a_message_that_is_no_fault_of_its_fields_has_the_type_of_its_reason(
    api: RunningApi, account: tuple[int, str], order: Order
) -> None:
    _, key = account
    redeliveries = RedisRedeliveries(api.application.base.cache)
    for _ in range(MAX_ATTEMPTS):
        redeliveries.begin("again")
    api.application.intake.messaging.resubmit("again", order, user="trader")

    answer = api.call("GET", "/v1/submissions/first", key=key)

    assert (answer.status, answer.body["status"]) == (422, 422)
    assert answer.body["type"] == "urn:angel-x:submission-abandoned"
    assert answer.body["title"] == "Submission abandoned"
