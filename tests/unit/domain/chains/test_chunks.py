from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.chains.chunks import (
    chain_span,
    cut_chunks,
    due_chains,
    is_whole_chains,
    oldest_first,
)
from angel_x.domain.chains.published import Heads
from tests.builders.chains import make_universe

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNIVERSE = make_universe(("BANKNIFTY", "NIFTY"))
CHAIN = 42
TEN = make_universe([f"S{number}" for number in range(5)])


def heads(as_of_ms: list[int], marks: list[int]) -> Heads:
    return Heads(np.array(as_of_ms, np.int64), np.array(marks, np.uint64))


def flags(*due: int, chains: int = 10) -> NDArray[np.bool_]:
    found = np.zeros(chains, np.bool_)
    found[list(due)] = True
    return found


@pytest.mark.parametrize("rows", [1, CHAIN, CHAIN + 1, 100, 10_000])
def test_chunks_cover_every_row_once_in_whole_chains(rows: int) -> None:
    chunks = cut_chunks(UNIVERSE, rows=rows)

    assert [row for start, stop in chunks for row in range(start, stop)] == list(range(168))
    assert all(is_whole_chains(UNIVERSE, start, stop) for start, stop in chunks)


def test_chunks_that_follow_each_other_are_of_one_size() -> None:
    assert cut_chunks(UNIVERSE, rows=CHAIN) == [(0, 42), (42, 84), (84, 126), (126, 168)]
    assert cut_chunks(UNIVERSE, rows=80) == [(0, 84), (84, 168)]
    assert cut_chunks(TEN, rows=100) == [(0, 84), (84, 210), (210, 294), (294, 420)]
    assert cut_chunks(TEN, rows=300) == [(0, 420)]


def test_an_empty_universe_has_no_chunk() -> None:
    assert cut_chunks(make_universe(())) == []


def test_chains_that_stand_still_are_not_asked_for() -> None:
    assert cut_chunks(TEN, flags(), gap=1) == []
    assert cut_chunks(TEN, flags(0, 1, 5, 9), gap=1) == [(0, 84), (210, 252), (378, 420)]


def test_a_small_gap_is_priced_along_and_a_large_one_is_not() -> None:
    assert cut_chunks(TEN, flags(1, 3, 6), gap=CHAIN + 1) == [(42, 168), (252, 294)]


@given(
    due=st.lists(st.booleans(), min_size=10, max_size=10),
    rows=st.integers(1, 500),
    gap=st.integers(1, 200),
)
def test_chunks_cover_what_is_due_and_begin_and_end_with_it(
    due: list[bool], rows: int, gap: int
) -> None:
    chunks = cut_chunks(TEN, np.array(due), rows=rows, gap=gap)

    covered = [index for chunk in chunks for index in range(10)[chain_span(TEN, *chunk)]]
    assert covered == sorted(set(covered))
    assert {index for index, is_due in enumerate(due) if is_due} <= set(covered)
    for start, stop in chunks:
        span = chain_span(TEN, start, stop)
        assert due[span.start]
        assert due[span.stop - 1]
        assert stop - start < 2 * rows + gap + 2 * CHAIN


def test_what_moved_what_is_missing_and_what_is_old_is_due() -> None:
    published = heads([9_000, 9_000, 0, 4_999, 5_000], [1, 2, 3, 4, 5])
    now = np.array([1, 7, 3, 4, 5], np.uint64)

    due = due_chains(published, now, now_ms=10_000, max_age_seconds=5)

    assert due.tolist() == [False, True, True, True, False]


def test_a_time_ahead_of_the_clock_is_not_old() -> None:
    due = due_chains(heads([99_000], [1]), np.array([1], np.uint64), 10_000, 5)

    assert due.tolist() == [False]


def test_chunks_are_asked_for_by_their_oldest_chain() -> None:
    published = heads([5, 5, 9, 3, 0, 9, 9, 9, 9, 9], [0] * 10)

    ordered = oldest_first(TEN, [(0, 84), (84, 168), (168, 252), (252, 420)], published)

    assert ordered == [(168, 252), (84, 168), (0, 84), (252, 420)]


@pytest.mark.parametrize(
    ("start", "stop"), [(1, 42), (0, 41), (0, 169), (-42, 42), (42, 42), (84, 42), (0, 10**30)]
)
def test_rows_that_cut_a_chain_or_do_not_exist_are_no_chunk(start: int, stop: int) -> None:
    assert not is_whole_chains(UNIVERSE, start, stop)
