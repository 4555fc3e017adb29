from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from angel_x.adapters.universe_source import PublishedUniverse
from angel_x.domain.contracts.universe import Universe
from tests.builders.chains import make_universe
from tests.builders.markets import ManualClock, MemoryContracts, MemoryPointer

FIRST, SECOND = make_universe(strikes=(24_000,)), make_universe(strikes=(24_100,))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def pointer() -> MemoryPointer:
    return MemoryPointer(FIRST.version)


@pytest.fixture
def store() -> MemoryContracts:
    return MemoryContracts(FIRST)


@pytest.fixture
def source(clock: ManualClock, pointer: MemoryPointer, store: MemoryContracts) -> PublishedUniverse:
    return PublishedUniverse(pointer.get, store.load, clock, (ConnectionError,))


def publish_second(pointer: MemoryPointer, store: MemoryContracts) -> None:
    store.replace(SECOND)
    pointer.publish(SECOND.version)


def test_the_first_call_loads_even_where_nothing_is_published(
    source: PublishedUniverse, pointer: MemoryPointer
) -> None:
    pointer.published = None

    assert source.current().version == FIRST.version


def test_the_version_is_asked_for_at_most_once_a_second(
    source: PublishedUniverse, pointer: MemoryPointer, store: MemoryContracts, clock: ManualClock
) -> None:
    for _ in range(10):
        source.current()
        clock.advance(0.099)
    assert (pointer.asked, store.loads) == (1, 1)

    clock.advance(0.1)
    source.current()
    assert (pointer.asked, store.loads) == (2, 1)


def test_another_version_is_followed_within_a_second(
    source: PublishedUniverse, pointer: MemoryPointer, store: MemoryContracts, clock: ManualClock
) -> None:
    source.current()
    publish_second(pointer, store)
    assert source.current().version == FIRST.version

    clock.advance(1)

    assert source.current().version == SECOND.version
    assert source.current() is source.current()


def test_a_refreshed_universe_is_the_one_published_now(
    source: PublishedUniverse, pointer: MemoryPointer, store: MemoryContracts
) -> None:
    assert source.refreshed().version == FIRST.version
    publish_second(pointer, store)

    assert source.current().version == FIRST.version
    assert source.refreshed().version == SECOND.version
    assert source.current().version == SECOND.version
    source.refreshed()
    assert store.loads == 2


def test_a_lost_version_keeps_what_is_there(
    source: PublishedUniverse, pointer: MemoryPointer, store: MemoryContracts, clock: ManualClock
) -> None:
    source.current()
    pointer.published = None
    clock.advance(1)

    assert source.current().version == FIRST.version
    assert store.loads == 1


def test_an_outage_keeps_what_is_there(
    source: PublishedUniverse, pointer: MemoryPointer, store: MemoryContracts, clock: ManualClock
) -> None:
    source.current()
    publish_second(pointer, store)
    pointer.failures = 1
    clock.advance(1)
    assert source.current().version == FIRST.version

    clock.advance(1)
    assert source.current().version == SECOND.version


def test_two_loads_that_published_in_the_other_order_end_at_what_is_stored(
    source: PublishedUniverse, pointer: MemoryPointer, store: MemoryContracts, clock: ManualClock
) -> None:
    source.current()
    publish_second(pointer, store)
    pointer.publish("another")
    clock.advance(1)

    for _ in range(3):
        assert source.current().version == SECOND.version
        clock.advance(1)
    assert store.loads == 2


def test_a_version_asked_for_is_looked_up_at_once(
    source: PublishedUniverse, pointer: MemoryPointer, store: MemoryContracts
) -> None:
    source.current()
    publish_second(pointer, store)

    found = source.version(SECOND.version)

    assert found is not None
    assert found.version == SECOND.version


def test_a_version_that_is_gone_is_looked_up_once(
    source: PublishedUniverse, store: MemoryContracts
) -> None:
    source.current()

    assert [source.version("0123456789abcdef") for _ in range(5)] == [None] * 5

    assert store.loads == 2
    assert source.version(FIRST.version) is source.current()


def test_the_version_before_is_still_answered_for_and_those_before_it_are_not(
    source: PublishedUniverse, pointer: MemoryPointer, store: MemoryContracts, clock: ManualClock
) -> None:
    first = source.current()
    publish_second(pointer, store)
    clock.advance(1)
    second = source.current()

    assert source.version(FIRST.version) is first
    assert store.loads == 2

    third = make_universe(strikes=(24_200,))
    store.replace(third)
    pointer.publish(third.version)
    clock.advance(1)
    assert source.current().version == third.version

    assert source.version(second.version) is second
    assert source.version(FIRST.version) is None


class SlowContracts(MemoryContracts):
    """A store whose second load waits until it is told to go on."""

    def __init__(self, universe: Universe) -> None:
        super().__init__(universe)
        self.asked, self.answered = Event(), Event()

    def load(self) -> Universe:
        universe = super().load()
        if self.loads > 1:
            self.asked.set()
            assert self.answered.wait(120)
        return universe


def test_while_one_thread_loads_the_others_go_on_with_what_is_there(
    pointer: MemoryPointer, clock: ManualClock
) -> None:
    store = SlowContracts(FIRST)
    source = PublishedUniverse(pointer.get, store.load, clock)
    first = source.current()
    publish_second(pointer, store)
    clock.advance(1)

    with ThreadPoolExecutor(1) as other:
        loading = other.submit(source.current)
        assert store.asked.wait(120)
        clock.advance(1)
        try:
            assert source.current() is first
            assert source.version(FIRST.version) is first
        finally:
            store.answered.set()
        assert loading.result(10).version == SECOND.version

    assert source.current().version == SECOND.version
    assert store.loads == 2


def test_threads_that_ask_first_at_once_load_once(
    pointer: MemoryPointer, store: MemoryContracts, clock: ManualClock
) -> None:
    source = PublishedUniverse(pointer.get, store.load, clock)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: source.current(), range(8)))

    assert {id(universe) for universe in found} == {id(found[0])}
    assert store.loads == 1
