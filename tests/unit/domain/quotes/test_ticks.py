from __future__ import annotations

import math
from collections import OrderedDict, defaultdict
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_x.domain.quotes.quote import QUOTE
from angel_x.domain.quotes.ticks import TickBuffer
from tests.builders.markets import make_quotes

ROWS = 6


class NaiveBuffer:
    """Keeps every price for ever and works everything out anew."""

    def __init__(self, capacity: int, window: int) -> None:
        self.capacity, self.window = capacity, window
        self.prices: dict[int, list[int]] = defaultdict(list)
        self.latest: dict[int, int] = {}
        self.waiting: OrderedDict[int, None] = OrderedDict()
        self.dropped = 0

    def add(self, *ticks: tuple[int, int]) -> None:
        for row, last in ticks:
            self.latest[row] = last
            if last > 0:
                self.prices[row].append(last)
            self.waiting.setdefault(row)
        while len(self.waiting) > self.capacity:
            self.waiting.popitem(last=False)
            self.dropped += 1

    def drain(self) -> list[tuple[int, int]]:
        rows = sorted(self.waiting)
        self.waiting.clear()
        return [(row, self.latest[row]) for row in rows]


ticks = st.tuples(st.integers(0, ROWS - 1), st.integers(0, 2**31 - 10))
steps = st.lists(
    st.one_of(ticks, st.lists(ticks, max_size=12), st.just("drain")),
    max_size=25,
)


@given(steps, st.integers(1, ROWS + 2), st.integers(1, 4))
@settings(max_examples=300, deadline=None)
def test_the_buffer_says_what_a_naive_twin_says(
    script: list[tuple[int, int] | list[tuple[int, int]] | str], capacity: int, window: int
) -> None:
    buffer = TickBuffer(ROWS, capacity=capacity, window=window)
    twin = NaiveBuffer(capacity, window)

    for step in script:
        if isinstance(step, tuple):
            buffer.add_tick(step[0], make_quotes([step[1]], time=1)[0])
            twin.add(step)
        elif isinstance(step, list):
            rows = np.array([row for row, _ in step], np.int64)
            buffer.add_ticks_batch(rows, make_quotes([last for _, last in step], time=1))
            twin.add(*step)
        else:
            assert_drains_alike(buffer, twin)
        assert_statistics_alike(buffer, twin)

    assert buffer.dropped == twin.dropped
    known, quotes = buffer.latest()
    assert dict(zip(known.tolist(), quotes["last"].tolist(), strict=True)) == twin.latest
    assert_drains_alike(buffer, twin)


def assert_drains_alike(buffer: TickBuffer, twin: NaiveBuffer) -> None:
    rows, quotes = buffer.drain(0)
    assert list(zip(rows.tolist(), quotes["last"].tolist(), strict=True)) == twin.drain()


def assert_statistics_alike(buffer: TickBuffer, twin: NaiveBuffer) -> None:
    for row in range(ROWS):
        statistics, prices = buffer.statistics(row), twin.prices[row]
        assert statistics.count == len(prices)
        if prices:
            window = prices[-twin.window :]
            assert statistics.high == max(prices)
            assert statistics.low == min(prices)
            assert statistics.total == sum(prices)
            assert statistics.moving_average == sum(window) / len(window)


def test_a_row_without_a_trade_has_no_average() -> None:
    buffer = TickBuffer(2, capacity=2)
    untraded = np.zeros(1, QUOTE)
    untraded["bid"] = 5

    buffer.add_ticks_batch(np.array([1]), untraded)

    assert math.isnan(buffer.statistics(1).moving_average)
    assert buffer.statistics(1).count == 0
    assert buffer.drain(0)[0].tolist() == [1]


def test_fifty_ticks_make_a_flush_due_at_once() -> None:
    buffer = TickBuffer(100, capacity=100)
    buffer.drain(1_000)

    buffer.add_ticks_batch(np.arange(49), make_quotes([100] * 49))
    assert not buffer.is_due(1_000)
    buffer.add_tick(0, make_quotes([100])[0])
    assert buffer.is_due(1_000)

    buffer.drain(1_000)
    assert not buffer.is_due(1_000)


def test_a_single_tick_is_due_a_hundred_milliseconds_after_the_last_drain() -> None:
    buffer = TickBuffer(10, capacity=10)
    buffer.drain(1_000)
    assert not buffer.is_due(9_000)

    buffer.add_tick(3, make_quotes([100])[0])

    assert not buffer.is_due(1_099)
    assert buffer.is_due(1_100)


def test_while_more_is_at_hand_a_flush_waits_for_its_time_or_for_the_room() -> None:
    buffer = TickBuffer(100, capacity=80)
    buffer.drain(1_000)
    assert not buffer.is_due(9_000, coming=80)

    buffer.add_ticks_batch(np.arange(60), make_quotes([100] * 60))
    assert buffer.is_due(1_099)
    assert not buffer.is_due(1_099, coming=20)
    assert buffer.is_due(1_099, coming=21)
    assert buffer.is_due(1_100, coming=1)


def test_a_flush_that_rests_after_the_last_one_rests_no_longer_than_a_tenth_of_a_second() -> None:
    buffer = TickBuffer(100, capacity=100)
    buffer.drain(1_000)
    buffer.add_ticks_batch(np.arange(60), make_quotes([100] * 60))

    assert not buffer.is_due(1_029, rest_ms=30.0)
    assert buffer.is_due(1_030, rest_ms=30.0)
    assert buffer.is_due(1_100, rest_ms=1_000.0)


def test_one_row_a_thousand_times_in_a_batch_keeps_its_last_prices() -> None:
    buffer = TickBuffer(2, capacity=2, window=3)

    buffer.add_ticks_batch(np.ones(1_000, np.int64), make_quotes(list(range(6, 1_006))))

    statistics = buffer.statistics(1)
    assert (statistics.count, statistics.high, statistics.low) == (1_000, 1_005, 6)
    assert statistics.moving_average == 1_004
    assert buffer.drain(0)[1]["last"].tolist() == [1_005]


def test_a_full_buffer_lets_the_longest_waiting_row_go_and_keeps_its_quote() -> None:
    buffer = TickBuffer(10, capacity=2)

    for row in (7, 3, 7, 5):
        buffer.add_tick(row, make_quotes([100 + row], time=1)[0])

    rows, _ = buffer.drain(0)
    assert rows.tolist() == [3, 5]
    assert buffer.dropped == 1
    assert buffer.latest()[0].tolist() == [3, 5, 7]


def test_threads_lose_no_tick() -> None:
    buffer = TickBuffer(4, capacity=4)
    quotes = make_quotes([100, 200, 300, 400], time=1)

    def add(_: int) -> None:
        for _ in range(200):
            buffer.add_ticks_batch(np.arange(4), quotes)
            buffer.drain(0)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))

    assert [buffer.statistics(row).count for row in range(4)] == [800] * 4
    assert [buffer.statistics(row).total for row in range(4)] == [80_000, 160_000, 240_000, 320_000]
