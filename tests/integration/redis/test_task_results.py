"""Results of messages, read by a Celery client that knows nothing but the address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import redis
from celery import Celery

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.redis.task_results import RedisTaskResults
from config.addresses import kombu_address

if TYPE_CHECKING:
    from tests.plugins.servers import RedisUrls

REPLY = {"orders": [{"order_id": "1", "client_order_id": "a\ud800", "status": "received"}]}


@pytest.fixture
def results(cache: redis.Redis) -> RedisTaskResults:
    return RedisTaskResults(cache, ttl_seconds=77, clock=wall_clock)


@pytest.fixture
def client(redis_urls: RedisUrls) -> Iterator[Celery]:
    client = Celery(backend=kombu_address(redis_urls.cache_url), set_as_current=False)
    yield client
    client.close()


def test_a_celery_client_reads_a_result_of_its_message_alone(
    results: RedisTaskResults, client: Celery
) -> None:
    results.put("m1", REPLY)

    found = client.AsyncResult("m1")
    assert (found.state, found.get(timeout=120)) == ("SUCCESS", REPLY)
    assert found.date_done is not None
    assert client.AsyncResult("m2").state == "PENDING"


def test_a_result_expires(results: RedisTaskResults, cache: redis.Redis) -> None:
    results.put("m1", REPLY)

    (key,) = cache.keys("*")
    assert 0 < cache.ttl(key) <= 77


def test_the_last_result_of_a_message_is_kept(results: RedisTaskResults, client: Celery) -> None:
    results.put("m1", "first")
    results.put("m1", "second")

    assert client.AsyncResult("m1").get(timeout=120) == "second"


def test_an_id_that_is_no_text_fails_nothing(results: RedisTaskResults, cache: redis.Redis) -> None:
    results.put("m\ud800", REPLY)

    assert len(cache.keys("*")) == 1
