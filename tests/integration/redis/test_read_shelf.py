"""Reads of the broker's books that several processes share, over Redis and at the fake exchange."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.angel_one.calls import Rate
from angel_x.adapters.angel_one.shared_reads import ReadElsewhere, SharedReads
from angel_x.adapters.redis.read_shelf import RedisShelf
from angel_x.adapters.redis.request_budget import RedisLedger
from angel_x.domain.exchange.request_budget import RequestAsk, Windows
from tests.builders.broker import broker, order
from tests.e2e.processes import eventually
from tests.fakes.read_shelf import MemoryShelf
from tests.fakes.shared_ledger import SharedAlone
from tests.plugins.servers import RedisUrls


def one(_rate: Rate) -> Windows:
    """Let in one request, and no other for ten minutes."""
    return ((600.0, 1),)


@pytest.fixture
def client(redis_urls: RedisUrls) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_urls.cache_url)) as made:
        yield made


@pytest.fixture(params=["memory", "redis"])
def shelf(request: pytest.FixtureRequest) -> RedisShelf | MemoryShelf:
    if request.param == "memory":
        return MemoryShelf()
    return RedisShelf(request.getfixturevalue("client"))


def test_an_answer_serves_those_that_asked_before_its_read_began(
    shelf: RedisShelf | MemoryShelf,
) -> None:
    before = shelf.begun("a")
    number = shelf.begin("a")
    after = shelf.begun("a")
    shelf.put("a", number, b"book")

    assert (before, after) == (0, number)
    assert shelf.newer("a", before) == b"book"
    assert shelf.newer("a", after) is None
    assert shelf.newer("b", 0) is None


def test_an_answer_that_comes_late_does_not_replace_a_newer_one(
    shelf: RedisShelf | MemoryShelf,
) -> None:
    slow, fast = shelf.begin("a"), shelf.begin("a")
    shelf.put("a", fast, b"new")
    shelf.put("a", slow, b"old")

    assert shelf.newer("a", 0) == b"new"


def test_an_answer_of_before_the_server_was_wiped_is_not_kept(client: redis.Redis) -> None:
    shelf = RedisShelf(client)
    for _ in range(3):
        number = shelf.begin("a")
    client.flushdb()
    assert shelf.begun("a") == 0
    shelf.put("a", number, b"old")

    assert shelf.newer("a", 0) is None
    assert shelf.begin("a") == 1
    shelf.put("a", number, b"old")
    assert shelf.newer("a", 0) is None


def test_the_count_and_the_answer_end_together(client: redis.Redis) -> None:
    shelf = RedisShelf(client)
    shelf.put("a", shelf.begin("a"), b"book")

    assert client.keys("ax:reads:*") == [b"ax:reads:a"]
    assert 0 < client.pttl("ax:reads:a") <= 60_000


def test_while_the_shelf_is_away_each_process_reads_for_itself() -> None:
    nobody = redis.Redis(port=1, retry=Retry(NoBackoff(), 0))
    read = SharedReads(RedisShelf(nobody), unreachable=(redis.RedisError,)).ask("a")

    read.look()
    read.begin()
    read.give(b"book")


def test_a_read_that_another_process_makes_is_found(client: redis.Redis) -> None:
    ours, theirs = (
        SharedReads(RedisShelf(client), unreachable=(redis.RedisError,)).ask("a") for _ in range(2)
    )
    ours.look()
    theirs.begin()
    ours.look()
    theirs.give(b"book")

    with pytest.raises(ReadElsewhere) as found:
        ours.look()
    assert found.value.answer == b"book"


def test_all_that_wait_for_the_order_book_are_served_by_one_read(client: redis.Redis) -> None:
    ledger = RedisLedger(client, hold_seconds=600, quiet_seconds=0)
    reads = SharedReads(RedisShelf(client), unreachable=(redis.RedisError,))
    with broker(is_limited=True) as served, ExitStack() as stack:
        served.client.place(order(ordertag="angel-x-7"))
        processes = [
            stack.enter_context(
                closing(served.another(SharedAlone(ledger), reads=reads, limits=one))
            )
            for _ in range(6)
        ]
        for each in processes:
            each.session = served.client.session
        running = RequestAsk("A12345:order_book", one(Rate.ORDER_BOOK))
        assert ledger.take(running)[0] == 0

        with ThreadPoolExecutor(len(processes)) as threads:
            books = [threads.submit(each.order_book) for each in processes]
            eventually(
                lambda: client.zcard("ax:requests:A12345:order_book:waiting") == len(processes),
                "all of them wait",
            )
            # Room for one, and for none after it within the window.
            client.delete("ax:requests:A12345:order_book:counted")
            tags = [[row.tag for row in book.result(120)] for book in books]

        assert tags == [["angel-x-7"]] * len(processes)
        assert served.requests("order_book") == 1
        assert client.zcard("ax:requests:A12345:order_book:waiting") == 0, "none kept its place"
