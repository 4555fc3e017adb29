"""What operators read and repair over HTTP, and who may not."""

from __future__ import annotations

import pytest

from angel_x import Client
from angel_x.domain.operations.metric import Metric
from angel_x.domain.records.access import Scope
from angel_x.errors import Conflict
from config.queues import QueueName
from tests.builders.orders import Market
from tests.integration.api.running import Answer, RunningApi


@pytest.fixture
def parked(api: RunningApi, account: tuple[int, str]) -> int:
    """The id of an order that was parked."""
    market = Market(api.application, tuple(api.application.market.universes.current().symbols))
    (accepted,) = market.accept(account[0], market.request(client_order_id="mine"))
    assert api.application.trading.execution.park([accepted.order_id], "Traceback: secret") == 1
    return accepted.order_id


@pytest.fixture
def admin(api: RunningApi) -> str:
    return api.open_account("operator", scopes=[Scope.ADMIN])[1]


def replay(api: RunningApi, order_id: object, key: str) -> Answer:
    return api.call("POST", f"/v1/orders/{order_id}/replay", key=key)


def test_an_admin_sends_a_parked_order_of_anybody_again(
    api: RunningApi, parked: int, admin: str, key: str
) -> None:
    answer = replay(api, parked, admin)

    assert answer.status == 202
    assert answer.body["client_order_id"] == "mine replay 1"
    assert answer.body["replay_of"] == str(parked)
    sent = api.call("GET", f"/v1/orders/{answer.body['order_id']}", key=key)
    assert sent.body["status"] == "received"


def test_parked_orders_are_listed_with_account_and_traceback(
    api: RunningApi, parked: int, admin: str
) -> None:
    with Client(api.url, admin, retries=0) as operator:
        waiting = operator.parked_orders()
        replay(api, parked, admin)
        left, all_of_them = operator.parked_orders(), operator.parked_orders(replayed=True)

    (order,) = waiting.orders
    assert (order.order_id, order.account, waiting.waiting) == (str(parked), "trader", 1)
    assert order.detail == "Traceback: secret"
    assert (left.orders, left.waiting) == ((), 0)
    assert all_of_them.orders[0].replayed_as is not None


def test_the_machine_is_read_whole_and_once_for_all_who_ask(api: RunningApi, admin: str) -> None:
    with Client(api.url, admin, retries=0) as operator:
        first, second = operator.machine(), operator.machine()

    assert {queue.queue for queue in first.queues} == {
        queue.value for queue in QueueName if queue is not QueueName.ALERTS
    }
    assert first.links["API documentation"].endswith("/docs")
    assert {alert.alert for alert in first.alerts} >= {"ProcessesMissing"}
    assert {role.role for role in first.roles} >= {"api", "orders"}
    assert first.running == {}
    # The home of a test has no folder.
    assert set(first.unread) <= {Metric.DISK_FREE_RATIO}
    assert second.read_at >= first.read_at


def test_the_audit_is_searched_by_a_text(api: RunningApi, parked: int, admin: str) -> None:
    replay(api, parked, admin)
    api.application.people.limits.put(None, {"max_open_orders": 7}, "cli")

    with Client(api.url, admin, retries=0) as operator:
        found = [entry.subject for entry in operator.audit(text="REPLAYED")]

    assert found == [f"order:{parked}"]


def test_the_audit_shows_who_replayed_what(api: RunningApi, parked: int, admin: str) -> None:
    sent = replay(api, parked, admin).body["order_id"]

    page = api.call("GET", f"/v1/audit?subject=order:{parked}", key=admin).body

    (entry,) = page["entries"]
    assert entry["action"] == "order.replayed"
    assert entry["actor"].startswith("key:")
    assert entry["detail"]["order_id"] == sent
    assert api.call("GET", "/v1/audit?subject=order:0", key=admin).body["entries"] == []
    assert api.call("GET", "/v1/audit?since=2999-01-01T00:00Z", key=admin).body["entries"] == []


def test_the_audit_comes_in_pages(api: RunningApi, admin: str) -> None:
    for _ in range(6):
        api.application.people.limits.put(None, {"max_open_orders": len(api.url)}, "cli")
        api.application.people.limits.clear(None, ["max_open_orders"], "cli")

    ids, path = [], "/v1/audit?limit=8"
    page = api.call("GET", path, key=admin).body
    ids += [entry["id"] for entry in page["entries"]]
    rest = api.call("GET", f"{path}&cursor={page['next']}", key=admin).body
    ids += [entry["id"] for entry in rest["entries"]]

    assert rest["next"] is None
    assert ids == sorted(ids, key=int, reverse=True)
    assert len(set(ids)) == 12


def test_a_second_replay_is_a_conflict_and_sends_nothing(
    api: RunningApi, parked: int, admin: str, key: str
) -> None:
    replay(api, parked, admin)

    refused = replay(api, parked, admin)

    assert refused.status == 409
    assert "open or has traded" in refused.body["detail"]
    assert len(api.call("GET", "/v1/orders", key=key).body["orders"]) == 2


@pytest.mark.parametrize("order_id", ["999999", "none", "0"])
def test_an_order_that_nobody_has_is_not_found(api: RunningApi, admin: str, order_id: str) -> None:
    assert replay(api, order_id, admin).status == 404


def test_who_is_no_admin_reads_no_audit_and_sends_nothing_again(
    api: RunningApi, parked: int, key: str
) -> None:
    assert api.call("GET", "/v1/audit", key=key).status == 403
    assert replay(api, parked, key).status == 403

    assert len(api.call("GET", "/v1/orders", key=key).body["orders"]) == 1


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "since=yesterday", "nonsense=1", "cursor=x"]
)
def test_a_question_that_makes_no_sense_is_refused(api: RunningApi, admin: str, query: str) -> None:
    answer = api.call("GET", f"/v1/audit?{query}", key=admin)

    assert answer.status in {400, 422}


def test_an_account_sees_the_attempts_of_its_order_and_no_traceback(
    api: RunningApi, parked: int, key: str
) -> None:
    answer = api.call("GET", f"/v1/orders/{parked}", key=key)

    assert [event["attempt"] for event in answer.body["events"]] == [0, 0]
    assert b"secret" not in answer.raw


@pytest.mark.parametrize("path", ["/v1/audit", "/v1/orders"])
@pytest.mark.parametrize(
    ("since", "status"),
    [
        ("2026-11-23T00:00:00-23:59", 200),
        ("0451-10-09T07:07:42.419-18:09", 200),
        ("0001-01-01T00:00:00%2B05:30", 400),
        ("9999-12-31T23:59:59-00:01", 400),
    ],
)
def test_any_offset_may_be_written_but_no_year_that_does_not_exist(
    api: RunningApi, admin: str, path: str, since: str, status: int
) -> None:
    assert api.call("GET", f"{path}?since={since}", key=admin).status == status


def test_the_client_reads_the_audit_and_replays(api: RunningApi, parked: int, admin: str) -> None:
    with Client(api.url, admin, retries=0) as client:
        replayed = client.replay(str(parked))

        assert replayed.replay_of == str(parked)
        assert [e.action for e in client.audit(subject=f"order:{parked}")] == ["order.replayed"]
        with pytest.raises(Conflict):
            client.replay(str(parked))
