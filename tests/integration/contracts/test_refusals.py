"""What is kept of messages that were refused or came back: the cache and its fakes are alike."""

from __future__ import annotations

from typing import Protocol

import msgspec
import pytest
from redis import Redis

from angel_x.adapters.redis.redeliveries import RedisRedeliveries
from angel_x.adapters.redis.refusals import RedisRefusals
from angel_x.domain.records.refusal import RefusalRecord
from angel_x.errors import Fault
from angel_x.services.intake.messaging import Redeliveries, Refusals
from tests.fakes.refusals import MemoryRedeliveries, MemoryRefusals


class ReadableRefusals(Refusals, Protocol):
    def get(self, user_id: int, client_order_id: str) -> RefusalRecord | None: ...


def refusal(message_id: str, *faults: Fault) -> RefusalRecord:
    return RefusalRecord(message_id=message_id, title="Full", detail="no room", errors=faults)


@pytest.fixture(params=["fake", "real"])
def refusals(request: pytest.FixtureRequest) -> ReadableRefusals:
    if request.param == "fake":
        return MemoryRefusals()
    return RedisRefusals(request.getfixturevalue("cache"))


@pytest.fixture(params=["fake", "real"])
def redeliveries(request: pytest.FixtureRequest) -> Redeliveries:
    if request.param == "fake":
        return MemoryRedeliveries()
    return RedisRedeliveries(request.getfixturevalue("cache"))


def test_a_refusal_is_kept_under_each_of_its_ids_for_its_account_alone(
    refusals: ReadableRefusals,
) -> None:
    kept = refusal("m1", Fault(1, "quantity", "66", "odd"))

    refusals.put(7, ["a", "b:c"], kept)

    assert [refusals.get(7, each) for each in ("a", "b:c", "b")] == [kept, kept, None]
    assert refusals.get(8, "a") is None


def test_the_last_refusal_of_an_id_is_kept(refusals: ReadableRefusals) -> None:
    refusals.put(7, ["a", "b"], refusal("m1"))
    refusals.put(7, ["a"], refusal("m2"))

    assert (refusals.get(7, "a"), refusals.get(7, "b")) == (refusal("m2"), refusal("m1"))


def test_every_refusal_is_kept_by_its_message(refusals: ReadableRefusals) -> None:
    refusals.put(7, ["a"], refusal("m1"))
    refusals.put(7, [], refusal("m2"))

    found = [refusals.of_message(7, each) for each in ("m1", "m2", "m3")]
    assert found == [refusal("m1"), refusal("m2"), None]
    assert refusals.get(7, "") is None
    assert refusals.of_message(8, "m1") is None


def test_a_refusal_of_a_release_that_noted_no_message_is_read(cache: Redis) -> None:
    former = {"title": "Full", "detail": "no room", "errors": []}
    cache.set("ax:submission:7:a", msgspec.json.encode(former))

    assert RedisRefusals(cache).get(7, "a") == refusal("")


def test_attempts_are_counted_by_message(redeliveries: Redeliveries) -> None:
    assert [redeliveries.begin("a") for _ in range(3)] == [1, 2, 3]
    assert redeliveries.begin("b") == 1


def test_an_attempt_that_is_forgiven_does_not_count(redeliveries: Redeliveries) -> None:
    redeliveries.begin("a")
    redeliveries.begin("a")

    redeliveries.forgive("a")

    assert redeliveries.begin("a") == 2
    assert redeliveries.begin("b") == 1
