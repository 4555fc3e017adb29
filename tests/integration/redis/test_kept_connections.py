"""Connections that are kept between uses, and that the server ends, or a network resets, meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from angel_x.adapters.dispatch import CeleryDispatcher
from angel_x.bootstrap import Application
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import Priority
from config.queues import QueueName
from tests.builders.breaking import BREAKS, WITHIN, Breaker, Manner, Moment, breaking_redis
from tests.builders.environs import application_on
from tests.builders.recorders import RecordingMeter
from tests.plugins.servers import RedisUrls


@pytest.fixture
def broker_breaker(redis_urls: RedisUrls) -> Iterator[tuple[Breaker, str]]:
    with breaking_redis(redis_urls.broker_redis_url) as (breaker, url):
        yield breaker, url


@pytest.fixture
def cache_breaker(redis_urls: RedisUrls) -> Iterator[tuple[Breaker, str]]:
    with breaking_redis(redis_urls.cache_url) as (breaker, url):
        yield breaker, url


@pytest.fixture
def application(
    environ: dict[str, str], cache_breaker: tuple[Breaker, str]
) -> Iterator[Application]:
    with application_on(environ, cache_url=cache_breaker[1]) as application:
        yield application


@pytest.mark.parametrize(("moment", "manner"), BREAKS)
def test_the_cache_is_asked_again_on_a_new_connection(
    application: Application, cache_breaker: tuple[Breaker, str], moment: Moment, manner: Manner
) -> None:
    application.base.cache.set("a", "1")
    breaker, _ = cache_breaker
    breaker.break_next(moment, manner)

    assert application.base.cache.get("a") == b"1"
    assert (breaker.broken, breaker.made) == (1, 2)


@pytest.mark.parametrize("manner", Manner)
def test_a_doorbell_is_rung_on_a_new_connection_where_the_kept_one_broke_between_two(
    broker_breaker: tuple[Breaker, str], manner: Manner, application: Application
) -> None:
    breaker, url = broker_breaker
    meter = RecordingMeter()
    with closing(CeleryDispatcher(url, meter, synchronous=True)) as dispatcher:
        assert dispatcher.ring(Priority.NORMAL, [1])
        breaker.break_next(Moment.IDLE, manner)

        assert dispatcher.ring(Priority.NORMAL, [2])

    assert breaker.broken
    assert application.base.broker.llen(QueueName.NORMAL) == 2
    assert not meter.added


@pytest.mark.parametrize(("moment", "manner"), WITHIN)
def test_a_doorbell_whose_connection_breaks_is_lost_once_and_never_sent_twice(
    broker_breaker: tuple[Breaker, str], moment: Moment, manner: Manner, application: Application
) -> None:
    breaker, url = broker_breaker
    meter = RecordingMeter()
    with closing(CeleryDispatcher(url, meter, synchronous=True)) as dispatcher:
        assert dispatcher.ring(Priority.NORMAL, [1])
        breaker.break_next(moment, manner)

        assert not dispatcher.ring(Priority.NORMAL, [2])
        assert dispatcher.ring(Priority.NORMAL, [3])

    # After a pause of seconds a ping is what meets the break, and the message was never sent.
    assert application.base.broker.llen(QueueName.NORMAL) in (
        {2} if moment is Moment.IN_REQUEST else {2, 3}
    )
    assert [metric for metric, _, _ in meter.added] == [Metric.DOORBELLS_LOST]
