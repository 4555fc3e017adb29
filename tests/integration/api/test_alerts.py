"""Targets of alerts over HTTP: addresses go in and never come out, and accounts reach no host of their choice."""

from __future__ import annotations

import pytest

from angel_x import Client
from angel_x.adapters.sealing import new_key
from angel_x.domain.operations.alert_target import NoticeStatus
from angel_x.domain.operations.notice import Topic
from angel_x.domain.records.access import Scope
from angel_x.errors import NotFound, Unauthorized
from tests.integration.api.conftest import StartApi
from tests.integration.api.running import RunningApi

SECRET = "abcdefg-hijklmnop_secret"
URL = f"tgram://123456789:{SECRET}/12315544/"
PHONE = "/v1/alerts/targets/phone"


@pytest.fixture
def alerting(start_api: StartApi) -> RunningApi:
    return start_api(ANGEL_X_ALERTS_KEY=new_key())


def test_a_target_is_added_tested_and_removed_without_its_address_in_any_answer(
    alerting: RunningApi,
) -> None:
    _, key = alerting.open_account("trader")
    content = {"url": URL, "topics": ["fill"], "quiet_hours": "22:30-07:00"}

    added = alerting.call("PUT", PHONE, key=key, content=content)
    tested = alerting.call("POST", "/v1/alerts/test?name=phone", key=key)
    shown = alerting.call("GET", "/v1/alerts/targets", key=key)
    notices = alerting.call("GET", "/v1/alerts/notices?status=waiting", key=key)
    removed = alerting.call("DELETE", PHONE, key=key)

    target = {
        "name": "phone", "service": "tgram", "topics": ["fill"], "quiet_hours": "22:30-07:00",
        "waiting": 0, "dead": 0,
    }  # fmt: skip
    assert (added.status, added.body) == (200, target)
    assert (tested.status, tested.body) == (202, {"notices": 1})
    assert shown.body == {"targets": [target | {"waiting": 1}]}
    assert [each["topic"] for each in notices.body["notices"]] == ["test"]
    assert (removed.status, removed.body) == (200, {"targets": []})
    assert alerting.call("DELETE", PHONE, key=key).status == 404
    assert alerting.call("POST", "/v1/alerts/test", key=key).status == 404
    answers = (added, tested, shown, notices, removed)
    assert SECRET not in b"".join(each.raw for each in answers).decode()


@pytest.mark.parametrize(
    "content",
    [
        {"url": f"json://10.0.0.1/{SECRET}"},
        {"url": f"{URL}?template=/etc/passwd"},
        {"url": f"tgram://{SECRET}"},
        {"url": SECRET},
        {"url": f"{URL}\0"},
        {"url": URL, "topics": ["feed_stale"]},
        {"url": URL, "quiet_hours": "late"},
        {"url": URL, "more": SECRET},
        {"url": [SECRET]},
        {},
    ],
)
def test_a_bad_target_is_refused_and_no_address_repeated(
    alerting: RunningApi, content: dict[str, object]
) -> None:
    _, key = alerting.open_account("trader")

    answer = alerting.call("PUT", PHONE, key=key, content=content)

    assert answer.status == 400
    assert SECRET not in answer.raw.decode()
    assert alerting.count("alert_targets") == 0


def test_an_operator_adds_any_service_to_operators_and_accounts(alerting: RunningApi) -> None:
    alerting.open_account("trader")
    _, key = alerting.open_account("operator", scopes=[Scope.ADMIN])
    content = {"url": f"json://127.0.0.1:9/{SECRET}"}

    for owner in ("?scope=operators", "?user=trader"):
        assert alerting.call("PUT", PHONE + owner, key=key, content=content).status == 200
    assert alerting.call("PUT", f"{PHONE}?user=nobody", key=key, content=content).status == 404


def test_without_a_key_of_alerts_the_remedy_is_named(start_api: StartApi) -> None:
    api = start_api()
    _, key = api.open_account("trader")

    answer = api.call("PUT", PHONE, key=key, content={"url": URL})

    assert answer.status == 400
    assert "angel-x alerts key" in answer.body["detail"]


def test_the_client_adds_tests_retries_and_removes_targets(alerting: RunningApi) -> None:
    _, key = alerting.open_account("trader")

    with Client(alerting.url, key, retries=0) as client:
        added = client.set_alert_target(
            "phone", URL, topics=[Topic.FILL], quiet_hours="22:30-07:00"
        )
        shown = client.alert_targets()
        tested = client.test_alerts("phone")
        (notice,) = client.alert_notices(NoticeStatus.WAITING)
        retried = client.retry_alerts()
        left = client.remove_alert_target("phone")

        assert shown == (added,)
        assert (added.name, added.topics) == ("phone", (Topic.FILL,))
        assert (tested, retried, left) == (1, 0, ())
        assert notice.target == "phone"
        with pytest.raises(NotFound):
            client.test_alerts("phone")
        with pytest.raises(Unauthorized):
            client.alert_targets(operators=True)
        with pytest.raises(Unauthorized):
            client.alert_targets(user="operator")


def test_the_client_of_an_operator_reaches_every_owner(alerting: RunningApi) -> None:
    alerting.open_account("trader")
    _, key = alerting.open_account("operator", scopes=[Scope.ADMIN])

    with Client(alerting.url, key, retries=0) as client:
        client.set_alert_target("phone", URL, user="trader")
        client.set_alert_target("night", URL, operators=True)

        assert [each.name for each in client.alert_targets(user="trader")] == ["phone"]
        assert [each.name for each in client.alert_targets(operators=True)] == ["night"]
        assert client.alert_targets() == ()
