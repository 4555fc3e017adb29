"""The budget of requests is kept by all processes together, in Redis and at the fake exchange."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from time import monotonic, sleep

import pytest
import redis

from angel_x.adapters.angel_one.calls import Rate
from angel_x.adapters.redis.request_budget import RedisLedger
from angel_x.domain.exchange.request_budget import RequestAsk, Windows
from angel_x.rehearsal.fake_exchange.faults import Fault
from tests.builders.broker import broker, exchange, order
from tests.fakes.shared_ledger import SharedAlone
from tests.plugins.servers import RedisUrls

#: Long enough that nothing leaves it within a test.
LONG: Windows = ((600.0, 3),)


@pytest.fixture
def client(redis_urls: RedisUrls) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_urls.cache_url)) as made:
        yield made


@pytest.fixture
def ledger(client: redis.Redis) -> RedisLedger:
    return RedisLedger(client, hold_seconds=60, quiet_seconds=0)


def ask(user: int = 1, *, is_urgent: bool = False, windows: Windows = LONG) -> RequestAsk:
    return RequestAsk("A1:orders", windows, user, is_urgent)


def free(ledger: RedisLedger, client: redis.Redis) -> None:
    """Let every window pass."""
    client.delete("ax:requests:A1:orders:counted")


def test_no_more_requests_are_let_in_than_fit(ledger: RedisLedger) -> None:
    asks = [ask() for _ in range(4)]

    waits = [ledger.take(each)[0] for each in asks]

    assert waits[:3] == [0, 0, 0]
    assert waits[3] > 600, "the others run, so each may still arrive"
    for each in asks:
        ledger.settle(each)
    assert 500 < ledger.take(asks[3])[0] <= 600


def test_every_window_has_to_have_room(ledger: RedisLedger) -> None:
    windows: Windows = ((600.0, 9), (1200.0, 1))

    assert ledger.take(ask(windows=windows))[0] == 0
    assert ledger.take(ask(windows=windows))[0] > 600


def test_a_place_is_free_as_soon_as_the_window_has_passed_since_the_answer(
    ledger: RedisLedger,
) -> None:
    windows: Windows = ((0.05, 1),)
    first, second = ask(windows=windows), ask(windows=windows)
    ledger.take(first)
    ledger.settle(first)
    until = monotonic() + 60

    while (wait := ledger.take(second)[0]) and monotonic() < until:
        sleep(wait)

    assert wait == 0


def test_an_urgent_request_goes_before_all_that_wait(
    ledger: RedisLedger, client: redis.Redis
) -> None:
    for _ in range(3):
        ledger.take(ask())
    waiting = [ask() for _ in range(5)]
    urgent = ask(is_urgent=True)
    for each in [*waiting, urgent]:
        assert ledger.take(each)[0] > 0
    free(ledger, client)

    in_order = [ledger.take(each)[0] == 0 for each in [*reversed(waiting), urgent]]

    assert in_order == [False, False, False, True, True, True]


def test_accounts_that_wait_take_turns(ledger: RedisLedger, client: redis.Redis) -> None:
    for _ in range(3):
        ledger.take(ask())
    crowd = [ask(1) for _ in range(20)]
    others = [ask(2), ask(3)]
    for each in [*crowd, *others]:
        ledger.take(each)
    free(ledger, client)

    let_in = [each for each in [*crowd, *others] if ledger.take(each)[0] == 0]

    assert sorted(each.user_id for each in let_in) == [1, 2, 3]


def test_a_place_that_is_given_up_holds_nobody_up(ledger: RedisLedger, client: redis.Redis) -> None:
    for _ in range(3):
        ledger.take(ask())
    gone, waiting = [ask(is_urgent=True) for _ in range(3)], ask()
    for each in [*gone, waiting]:
        ledger.take(each)
    for each in gone:
        ledger.leave(each)
    free(ledger, client)

    assert ledger.take(waiting)[0] == 0


def test_a_wiped_server_lets_in_nothing_at_first_and_has_another_name(
    client: redis.Redis,
) -> None:
    ledger = RedisLedger(client, hold_seconds=60, quiet_seconds=600)
    client.set("ax:requests:epoch", 1)
    wait, content = ledger.take(ask())
    client.flushdb()

    quiet, other = ledger.take(ask())

    assert (wait, other != content) == (0, True)
    assert 500 < quiet <= 600


def test_requests_that_a_process_has_sent_are_counted_once(ledger: RedisLedger) -> None:
    known = ask()
    ledger.take(known)
    ages = {known.id: 1.0, "b": 2.0, "c": None}

    ledger.restore(known, ages)
    ledger.restore(known, ages)

    assert ledger.take(ask())[0] > 0


def test_of_eight_workers_no_request_is_over_the_limits_of_the_broker(
    redis_urls: RedisUrls,
) -> None:
    windows: Windows = ((0.25, 9), (1.0, 30))

    def limits(rate: Rate) -> Windows:
        return windows if rate is Rate.ORDERS else ()

    made = exchange()
    made.throttle.limits = limits
    made.faults.slow_seconds = 0.05
    made.faults.rates = {Fault.SLOW: 0.2}

    with broker(made, is_limited=True) as at_broker:

        def work(_: int) -> None:
            with closing(redis.Redis.from_url(redis_urls.cache_url)) as connection:
                shared = RedisLedger(connection, hold_seconds=60, quiet_seconds=0)
                worker = at_broker.another(SharedAlone(shared), limits=limits)
                for _number in range(10):
                    worker.place(order(price="95.00"))
                worker.close()

        with ThreadPoolExecutor(8) as workers:
            list(workers.map(work, range(8)))

    assert made.throttle.let_in[Rate.ORDERS] == 80
    assert made.throttle.over[Rate.ORDERS] == 0
