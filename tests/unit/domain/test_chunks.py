from __future__ import annotations

import pytest

from angel_x.domain.chunks import cut_chunks, is_whole_chains
from tests.builders.chains import make_universe

UNIVERSE = make_universe(("BANKNIFTY", "NIFTY"))
CHAIN = 42


@pytest.mark.parametrize("rows", [1, CHAIN, CHAIN + 1, 100, 10_000])
def test_chunks_cover_every_row_once_in_whole_chains(rows: int) -> None:
    chunks = cut_chunks(UNIVERSE, rows)

    assert [row for start, stop in chunks for row in range(start, stop)] == list(range(168))
    assert all(is_whole_chains(UNIVERSE, start, stop) for start, stop in chunks)


def test_a_chunk_ends_with_the_chain_that_fills_it() -> None:
    assert cut_chunks(UNIVERSE, CHAIN) == [(0, 42), (42, 84), (84, 126), (126, 168)]
    assert cut_chunks(UNIVERSE, CHAIN + 1) == [(0, 84), (84, 168)]


def test_an_empty_universe_has_no_chunk() -> None:
    assert cut_chunks(make_universe(())) == []


@pytest.mark.parametrize(
    ("start", "stop"), [(1, 42), (0, 41), (0, 169), (-42, 42), (42, 42), (84, 42), (0, 10**30)]
)
def test_rows_that_cut_a_chain_or_do_not_exist_are_no_chunk(start: int, stop: int) -> None:
    assert not is_whole_chains(UNIVERSE, start, stop)
