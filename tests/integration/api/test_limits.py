"""Reading, setting and clearing limits over HTTP, and being held to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from angel_x import Client
from angel_x.domain.book.limits import Limits
from angel_x.domain.records.access import Scope
from angel_x.errors import InvalidRequest, NotFound, Unauthorized
from tests.integration.api.conftest import StartApi
from tests.integration.api.running import RunningApi, wait_until


@pytest.fixture
def admin(api: RunningApi) -> Iterator[Client]:
    _, key = api.open_account("operator", scopes=[Scope.ADMIN])
    with Client(api.url, key, retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def shared_key(shared_api: RunningApi) -> str:
    """A key for everything on an API that nobody may change."""
    return shared_api.open_account("operator", scopes=[Scope.ADMIN])[1]


def test_an_admin_sets_limits_and_their_account_reads_them(admin: Client, client: Client) -> None:
    admin.set_limits({"max_order_quantity": 1300, "max_daily_loss": "5000.50"}, everyone=True)
    admin.set_limits({"max_order_quantity": 650}, user="trader")

    sheet = client.limits()

    assert sheet.own == Limits(max_order_quantity=650)
    assert sheet.effective.max_order_quantity == 650
    assert str(sheet.effective.max_daily_loss) == "5000.50"
    assert admin.limits(user="trader") == sheet
    assert admin.limits().own == Limits()


def test_limits_are_cleared_one_by_one_and_all_at_once(admin: Client) -> None:
    admin.set_limits(
        {"max_open_orders": 1, "max_order_quantity": 65, "fat_finger_percent": 5}, everyone=True
    )

    left = admin.clear_limits("max_open_orders", "fat_finger_percent", everyone=True)
    assert left.own == Limits(max_order_quantity=65)
    assert admin.clear_limits(everyone=True).own == Limits()


def test_every_change_is_audited_under_the_key_that_made_it(api: RunningApi, admin: Client) -> None:
    admin.set_limits({"max_open_orders": 1}, everyone=True)

    with api.application.base.engine.connect() as connection:
        ((actor, subject),) = connection.exec_driver_sql(
            "SELECT actor, subject FROM audit_entries WHERE action = 'limit.set'"
        ).all()
    assert subject == "global"
    assert actor.startswith("key:")


def test_one_who_trades_changes_no_limit_and_reads_no_other(client: Client) -> None:
    with pytest.raises(Unauthorized):
        client.set_limits({"max_open_orders": 1000})
    with pytest.raises(Unauthorized):
        client.clear_limits()
    with pytest.raises(Unauthorized):
        client.limits(user="operator")
    with pytest.raises(Unauthorized):
        client.limits(everyone=True)

    assert client.limits().own == Limits()


def test_an_account_that_does_not_exist_has_no_limits(api: RunningApi, admin: Client) -> None:
    with pytest.raises(NotFound):
        admin.set_limits({"max_open_orders": 1}, user="nobody")

    assert api.count("risk_limits") == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'{"max_open_orders": null}',
        b'{"max_open_orders": true}',
        b'{"max_open_orders": -1}',
        b'{"max_open_orders": 1e999}',
        b'{"max_open_orders": "NaN"}',
        b'{"max_open_orders": {}}',
        b'{"max_open_orders": 1, "max_everything": 1}',
        b'{"\xff": 1}',
        b'{"max_open_orders": "\\ud800"}',
        b"[" * 10_000,
    ],
)
def test_a_body_that_makes_no_sense_is_refused_and_sets_nothing(
    shared_api: RunningApi, shared_key: str, body: bytes
) -> None:
    answer = shared_api.call("PUT", "/v1/limits?scope=global", key=shared_key, body=body)

    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert shared_api.count("risk_limits") == 0


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?scope=everything", 422),
        ("?kind=max_everything", 422),
        ("?limit=max_open_orders", 422),
        ("?scope=global&user=trader", 400),
        ("?user=%00", 400),
        ("?color=red", 422),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_and_clears_nothing(
    shared_api: RunningApi, shared_key: str, query: str, status: int
) -> None:
    before = shared_api.count("audit_entries")

    for method in ("GET", "DELETE"):
        answer = shared_api.call(method, f"/v1/limits{query}", key=shared_key)
        assert answer.status == status

    assert shared_api.count("audit_entries") == before


def test_orders_beyond_the_rate_are_told_to_come_back_and_are_not_stored(
    start_api: StartApi,
) -> None:
    api = start_api(ANGEL_X_RATE_LIMIT_ENABLED="true")
    api.application.market.contracts.load_generated()
    user_id, key = api.open_account("trader")
    api.application.people.limits.put(user_id, {"max_orders_per_second": 1}, "test")
    sent: list[dict[str, object]] = []

    def turned_away() -> bool:
        sent.append(api.order_fields() | {"client_order_id": f"c{len(sent)}"})
        answer = api.call("POST", "/v1/orders", key=key, content=sent[-1])
        if answer.status == 202:
            return False
        assert answer.status == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.body["type"] == "urn:angel-x:order-rate-exceeded"
        return True

    wait_until(turned_away)

    assert api.count("orders") == len(sent) - 1
    # What was stored is answered with at any rate.
    again = [api.call("POST", "/v1/orders", key=key, content=sent[0]) for _ in range(3)]
    assert [answer.status for answer in again] == [200, 200, 200]


def test_a_limit_on_the_rate_holds_within_a_second_of_being_set(start_api: StartApi) -> None:
    api = start_api(ANGEL_X_RATE_LIMIT_ENABLED="true")
    api.application.market.contracts.load_generated()
    user_id, key = api.open_account("trader")
    two = {"orders": [api.order_fields() | {"client_order_id": f"c{n}"} for n in range(2)]}
    assert api.call("POST", "/v1/orders", key=key, content=two).status == 202
    api.application.people.limits.put(user_id, {"max_orders_per_second": 1}, "test")

    def status() -> int:
        fresh = {"orders": [order | {"tag": "new"} for order in two["orders"]]}
        for n, order in enumerate(fresh["orders"]):
            order["client_order_id"] = f"d{api.count('orders')}-{n}"
        return api.call("POST", "/v1/orders", key=key, content=fresh).status

    wait_until(lambda: status() == 400)


def test_the_client_names_what_is_wrong_with_a_limit(admin: Client) -> None:
    with pytest.raises(InvalidRequest) as caught:
        admin.set_limits({"max_order_quantity": 0.5})

    (fault,) = caught.value.faults
    assert (fault.field, fault.value) == ("max_order_quantity", "0.5")
