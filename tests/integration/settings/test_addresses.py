"""Which servers are spoken to."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
import redis

from angel_x.errors import UnknownAccount
from config.queues import QueueName
from tests.integration.settings.conftest import Build

if TYPE_CHECKING:
    from tests.plugins.servers import DatabaseFactory, RedisUrls

KEY = "mark"


def holds(url: str, key: str) -> bool:
    with closing(redis.Redis.from_url(url)) as client:
        return bool(client.exists(key))


def places(redis_urls: RedisUrls) -> tuple[str, str]:
    """Return two servers, whatever else they are used for."""
    return redis_urls.broker_redis_url, redis_urls.cache_url


@pytest.mark.parametrize("chosen", [0, 1])
def test_what_is_cached_is_at_cache_url(built: Build, redis_urls: RedisUrls, chosen: int) -> None:
    urls = places(redis_urls)

    built(CACHE_URL=urls[chosen]).base.cache.set(KEY, 1)

    assert [holds(url, KEY) for url in urls] == [chosen == 0, chosen == 1]


@pytest.mark.parametrize("chosen", [0, 1])
def test_messages_lie_at_broker_url(built: Build, redis_urls: RedisUrls, chosen: int) -> None:
    urls = places(redis_urls)

    built(BROKER_URL=urls[chosen]).base.dispatcher.match()

    assert [holds(url, QueueName.MATCHING) for url in urls] == [chosen == 0, chosen == 1]


@pytest.mark.parametrize("chosen", [0, 1])
def test_results_of_messages_are_at_result_url(
    built: Build, redis_urls: RedisUrls, chosen: int
) -> None:
    urls = places(redis_urls)
    replies = built(RESULT_URL=urls[chosen]).intake.replies
    assert replies is not None

    replies.put("m1", {"orders": []})

    assert [holds(url, "celery-task-meta-m1") for url in urls] == [chosen == 0, chosen == 1]


def test_no_redis_url_is_a_place_for_results(built: Build, redis_urls: RedisUrls) -> None:
    url, _ = places(redis_urls)

    assert built(REDIS_URL=url).intake.replies is None


@pytest.mark.parametrize("chosen", [0, 1])
def test_redis_url_stands_for_both(built: Build, redis_urls: RedisUrls, chosen: int) -> None:
    urls = places(redis_urls)
    application = built(REDIS_URL=urls[chosen], BROKER_URL="", CACHE_URL="")

    application.base.cache.set(KEY, 1)
    application.base.dispatcher.match()

    for key in (KEY, QueueName.MATCHING):
        assert [holds(url, key) for url in urls] == [chosen == 0, chosen == 1]


def test_the_books_are_at_database_url(
    built: Build, databases: DatabaseFactory, migrated_database: str
) -> None:
    here = built()
    with databases.fresh(template=migrated_database) as elsewhere:
        there = built(DATABASE_URL=elsewhere)
        there.people.accounts.open("asha", Decimal(1))

        assert there.people.accounts.named("asha").name == "asha"
        with pytest.raises(UnknownAccount):
            here.people.accounts.named("asha")
