"""A locked account, and many requests of its owner, beside the requests of all others."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

import pytest
from sqlalchemy import Engine, create_engine

from angel_x.domain.records.access import Scope
from tests.integration.api.conftest import StartApi
from tests.integration.api.running import Answer, RunningApi, wait_until

#: Far below the deadline of a request; six answers of an idle API come on top.
WELL_WITHIN_SECONDS = 8.0
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@dataclass(frozen=True)
class Owner:
    user_id: int
    key: str
    order_id: str


@pytest.fixture
def api(start_api: StartApi) -> RunningApi:
    api = start_api(ANGEL_X_API_LOCK_TIMEOUT_MS="500", ANGEL_X_BAD_KEYS_PER_SECOND="0.1")
    api.application.market.contracts.load_generated()
    return api


@pytest.fixture
def owner(api: RunningApi) -> Owner:
    user_id, key = api.open_account("owner")
    answer = api.call("POST", "/v1/orders", key=key, content=api.order_fields())
    return Owner(user_id, key, answer.body["orders"][0]["order_id"])


@pytest.fixture
def outside(migrated_url: str) -> Iterator[Engine]:
    """Connections that are not those of the API."""
    engine = create_engine(migrated_url)
    yield engine
    engine.dispose()


@contextmanager
def locked_row(outside: Engine, user_id: int) -> Iterator[None]:
    with outside.begin() as connection:
        connection.exec_driver_sql(f"SELECT FROM users WHERE id = {user_id} FOR UPDATE")
        yield


def is_lock_waited_for(outside: Engine) -> bool:
    with outside.connect() as connection:
        return bool(connection.exec_driver_sql(_WAITING).scalar_one())


def test_a_locked_account_and_twelve_amendments_of_its_owner_hold_up_nobody_else(
    api: RunningApi, owner: Owner, outside: Engine
) -> None:
    _, other = api.open_account("other")
    _, admin = api.open_account("admin", scopes=[Scope.ADMIN])
    _, fresh = api.open_account("fresh")
    order = api.order_fields() | {"client_order_id": "others"}
    halt = {"scope": "system", "state": "on"}

    started = monotonic()
    assert {api.call("GET", "/v1/orders", key=other).status for _ in range(6)} == {200}
    idle = monotonic() - started

    def amend(_: int) -> Answer:
        path = f"/v1/orders/{owner.order_id}"
        return api.call("PATCH", path, key=owner.key, content={"price": "11"})

    with ThreadPoolExecutor(14) as pool, locked_row(outside, owner.user_id):
        amendments = [pool.submit(amend, n) for n in range(12)]
        own = pool.submit(
            api.call,
            "POST",
            "/v1/orders",
            key=owner.key,
            content=api.order_fields() | {"client_order_id": "own"},
        )
        wait_until(lambda: is_lock_waited_for(outside))
        started = monotonic()
        answers = [
            api.call("GET", "/v1/orders", key=other),
            api.call("GET", "/v1/orders", key=fresh),
            api.call("GET", "/v1/orders", key=owner.key),
            api.call("POST", "/v1/orders", key=other, content=order),
            api.call("DELETE", "/v1/orders", key=other),
            api.call("PUT", "/v1/kill-switch", key=admin, content=halt),
        ]
        took = monotonic() - started
        blocked = [amendment.result() for amendment in amendments] + [own.result()]

    assert [answer.status for answer in answers] == [200, 200, 200, 202, 200, 200]
    assert took < WELL_WITHIN_SECONDS + 10 * idle
    assert {answer.status for answer in blocked} == {503}
    assert {answer.body["type"] for answer in blocked} == {"urn:angel-x:account-busy"}
    assert {answer.headers["retry-after"] for answer in blocked} == {"1"}
    read = api.call("GET", f"/v1/orders/{owner.order_id}", key=owner.key).body
    assert read["price"] == "10.05"
    assert api.count("orders") == 2


def test_the_kill_switch_of_a_locked_account_is_set(
    api: RunningApi, owner: Owner, outside: Engine
) -> None:
    with locked_row(outside, owner.user_id):
        answer = api.call("PUT", "/v1/kill-switch", key=owner.key, content={"state": "on"})

    assert answer.status == 200


def test_a_flood_of_bad_keys_is_throttled_and_a_good_key_is_served(
    api: RunningApi, owner: Owner
) -> None:
    assert api.call("GET", "/v1/orders", key=owner.key).status == 200

    keys = [f"ax_{n:012x}_{'0' * 64}" for n in range(3)]
    answers = [api.call("GET", "/v1/orders", key=key) for key in keys]

    assert api.call("GET", "/v1/orders", key=owner.key).status == 200
    assert answers[0].status == 401
    assert {answer.status for answer in answers} == {401, 429}
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.body["type"] == "urn:angel-x:bad-keys-exceeded"
    assert "retry-after" in refused.headers
