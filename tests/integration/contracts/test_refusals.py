"""What is kept of messages that were refused or came back: the cache and its fakes are alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
import pytest

from angel_x.adapters.redis.redeliveries import RedisRedeliveries
from angel_x.adapters.redis.refusals import RedisRefusals
from angel_x.services.intake.messaging import Redeliveries
from tests.fakes.refusals import MemoryRedeliveries, MemoryRefusals


class Refusals(Protocol):
    def put(self, user_id: int, client_order_ids: Sequence[str], problem: object) -> None: ...

    def get(self, user_id: int, client_order_id: str) -> bytes | None: ...


@pytest.fixture(params=["fake", "real"])
def refusals(request: pytest.FixtureRequest) -> Refusals:
    if request.param == "fake":
        return MemoryRefusals()
    return RedisRefusals(request.getfixturevalue("cache"))


@pytest.fixture(params=["fake", "real"])
def redeliveries(request: pytest.FixtureRequest) -> Redeliveries:
    if request.param == "fake":
        return MemoryRedeliveries()
    return RedisRedeliveries(request.getfixturevalue("cache"))


def test_a_refusal_is_kept_under_each_of_its_ids_for_its_account_alone(
    refusals: Refusals,
) -> None:
    problem = {"title": "Full", "errors": [{"index": 1}]}

    refusals.put(7, ["a", "b:c"], problem)

    for client_order_id in ("a", "b:c"):
        kept = refusals.get(7, client_order_id)
        assert kept is not None
        assert msgspec.json.decode(kept) == problem
    assert refusals.get(7, "b") is None
    assert refusals.get(8, "a") is None


def test_the_last_refusal_of_an_id_is_kept(refusals: Refusals) -> None:
    refusals.put(7, ["a", "b"], "first")
    refusals.put(7, ["a"], "second")

    assert (refusals.get(7, "a"), refusals.get(7, "b")) == (b'"second"', b'"first"')


def test_a_refusal_that_names_no_id_is_kept_nowhere(refusals: Refusals) -> None:
    refusals.put(7, [], "nothing")

    assert refusals.get(7, "") is None


def test_attempts_are_counted_by_message(redeliveries: Redeliveries) -> None:
    assert [redeliveries.begin("a") for _ in range(3)] == [1, 2, 3]
    assert redeliveries.begin("b") == 1


def test_an_attempt_that_is_forgiven_does_not_count(redeliveries: Redeliveries) -> None:
    redeliveries.begin("a")
    redeliveries.begin("a")

    redeliveries.forgive("a")

    assert redeliveries.begin("a") == 2
    assert redeliveries.begin("b") == 1
