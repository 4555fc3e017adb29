"""The shared window and its local twin keep the same promises."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import count
from time import monotonic

import pytest
import redis

from angel_x.adapters.redis.order_rate import RedisOrderRate
from angel_x.domain.orders.order_rate import WINDOW_SECONDS, Ask
from angel_x.services.intake.order_rate import GrantRate, LocalOrderRate
from tests.plugins.servers import RedisUrls

#: Makes the same window as another process would see it.
Rates = Callable[[], GrantRate]


@pytest.fixture(params=["shared", "local"])
def rates(request: pytest.FixtureRequest, redis_urls: RedisUrls) -> Iterator[Rates]:
    local = LocalOrderRate(monotonic).grant
    with ExitStack() as stack:

        def shared() -> GrantRate:
            client = redis.Redis.from_url(redis_urls.cache_url)
            return RedisOrderRate(stack.enter_context(closing(client))).grant

        yield shared if request.param == "shared" else lambda: local


def within_a_window(attempt: Callable[[str], tuple[float, float]]) -> tuple[float, float]:
    """Return what an attempt found within one window; on a busy machine it may take several."""
    for number in count():
        started = monotonic()
        found = attempt(f"a{number}")
        if monotonic() - started < WINDOW_SECONDS:
            return found
    raise AssertionError("unreachable")


def test_what_fits_is_let_in_and_no_order_more(rates: Rates) -> None:
    waits = rates()([Ask(3, ("a",)), Ask(2, ("a",)), Ask(1, ("a",))], {"a": 5})

    assert waits[:2] == [0, 0]
    assert 0 < waits[2] <= WINDOW_SECONDS


def test_what_is_let_in_by_one_process_counts_for_the_others(rates: Rates) -> None:
    def twice(key: str) -> tuple[float, float]:
        (first,) = rates()([Ask(5, (key,))], {key: 5})
        # Far above the limit, so that the outcome does not depend on the time in between.
        (second,) = rates()([Ask(10_000, (key,))], {key: 10_004})
        return first, second

    first, second = within_a_window(twice)

    assert first == 0
    assert second > 0


def test_what_does_not_fit_is_counted_nowhere(rates: Rates) -> None:
    asks = [Ask(4, ("all", "a")), Ask(2, ("all", "a")), Ask(6, ("all", "b")), Ask(1, ("all", "b"))]

    waits = rates()(asks, {"all": 10, "a": 5, "b": 100})

    assert [wait > 0 for wait in waits] == [False, True, False, True]


def test_a_later_ask_that_fits_is_let_in_past_one_that_does_not(rates: Rates) -> None:
    waits = rates()([Ask(4, ("a",)), Ask(2, ("a",)), Ask(1, ("a",))], {"a": 5})

    assert [wait > 0 for wait in waits] == [False, True, False]


def test_the_window_moves_on_and_the_wait_that_was_named_was_enough(rates: Rates) -> None:
    grant = rates()
    started = monotonic()
    assert grant([Ask(5, ("a",))], {"a": 5}) == [0]
    (named,) = grant([Ask(1, ("a",))], {"a": 5})

    threading.Event().wait(named)
    (wait,) = grant([Ask(5, ("a",))], {"a": 5})

    assert wait == 0
    assert monotonic() - started >= WINDOW_SECONDS


def test_the_wait_ends_with_the_grant_that_frees_just_enough(rates: Rates) -> None:
    grant = rates()

    def twice(key: str) -> tuple[float, float]:
        (first,) = grant([Ask(1, (key,))], {key: 5})
        (second,) = grant([Ask(5, (key,))], {key: 5})
        return first, second

    first, second = within_a_window(twice)

    assert first == 0
    # Time has passed since the first grant, and nothing else has to be waited for.
    assert 0 < second < WINDOW_SECONDS


def test_no_window_holds_more_than_the_limit_whoever_asks(rates: Rates) -> None:
    limit, granted = 20, []

    def ask(grant: GrantRate) -> None:
        for _ in range(60):
            before = monotonic()
            (wait,) = grant([Ask(1, ("a",))], {"a": limit})
            if not wait:
                granted.append((before, monotonic()))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, [rates() for _ in range(4)]))

    assert len(granted) >= limit
    for _, after in granted:
        # Surely within one window of the first of them.
        within = [b for b, a in granted if b >= after and a < after + WINDOW_SECONDS]
        assert len(within) <= limit


def test_the_shared_window_leaves_nothing_behind(redis_urls: RedisUrls) -> None:
    with closing(redis.Redis.from_url(redis_urls.cache_url)) as client:
        RedisOrderRate(client).grant([Ask(1, ("all", "user:7"))], {"all": 9, "user:7": 5})

        keys = client.keys("*")

        assert keys
        assert all(0 < int(client.pttl(key)) <= 2000 for key in keys)


def test_a_script_that_the_server_forgot_is_sent_again(redis_urls: RedisUrls) -> None:
    with closing(redis.Redis.from_url(redis_urls.cache_url)) as client:
        rate = RedisOrderRate(client)
        rate.grant([Ask(1, ("a",))], {"a": 5})
        client.script_flush()

        assert rate.grant([Ask(1, ("a",))], {"a": 5}) == [0]
