from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from angel_x.adapters.redis.greeks_board import RedisGreeksBoard
from angel_x.domain.greek_columns import GREEK_FIELDS
from tests.builders.chains import make_universe

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from redis import Redis

UNIVERSE = make_universe(("BANKNIFTY", "NIFTY"))
AS_OF = 1_787_000_000_123


@pytest.fixture
def board(cache: Redis) -> RedisGreeksBoard:
    return RedisGreeksBoard(cache, ttl_seconds=30)


def columns(start: int, stop: int) -> NDArray[np.float32]:
    """Columns in which every number is its own."""
    rows = np.arange(start, stop, dtype=np.float32)
    return rows + 1000 * np.arange(len(GREEK_FIELDS), dtype=np.float32)[:, None]


def test_what_is_written_in_chunks_is_read_as_a_whole(board: RedisGreeksBoard) -> None:
    board.write(UNIVERSE, 0, columns(0, 84), AS_OF)
    board.write(UNIVERSE, 84, columns(84, 168), AS_OF + 1)

    read, times = board.read(UNIVERSE)

    np.testing.assert_array_equal(read, columns(0, 168))
    assert times.tolist() == [AS_OF] * 84 + [AS_OF + 1] * 84


def test_rows_are_read_in_the_order_asked_for_and_may_repeat(board: RedisGreeksBoard) -> None:
    board.write(UNIVERSE, 0, columns(0, 168), AS_OF)
    rows = np.array([150, 3, 150, 60, 0, 167])

    read, times = board.read_rows(UNIVERSE, rows)

    np.testing.assert_array_equal(read, columns(0, 168)[:, rows])
    assert times.tolist() == [AS_OF] * 6


def test_no_rows_are_read_without_asking(board: RedisGreeksBoard) -> None:
    read, times = board.read_rows(UNIVERSE, np.zeros(0, np.int64))

    assert read.shape == (len(GREEK_FIELDS), 0)
    assert times.shape == (0,)


def test_what_was_never_written_reads_as_absent(board: RedisGreeksBoard) -> None:
    board.write(UNIVERSE, 42, columns(42, 84), AS_OF)

    read, times = board.read(UNIVERSE)

    assert np.isnan(np.delete(read, slice(42, 84), axis=1)).all()
    assert set(np.delete(times, slice(42, 84))) == {0}
    np.testing.assert_array_equal(read[:, 42:84], columns(42, 84))


def test_another_version_of_the_universe_sees_none_of_it(board: RedisGreeksBoard) -> None:
    board.write(UNIVERSE, 0, columns(0, 168), AS_OF)
    newer = make_universe(("NIFTY",))

    read, times = board.read(newer)

    assert np.isnan(read).all()
    assert not times.any()


def test_writing_a_chunk_again_writes_the_same_bytes(board: RedisGreeksBoard, cache: Redis) -> None:
    board.write(UNIVERSE, 0, columns(0, 84), AS_OF)
    first = {key: cache.get(key) for key in cache.keys("*")}

    board.write(UNIVERSE, 0, columns(0, 84), AS_OF)

    assert {key: cache.get(key) for key in cache.keys("*")} == first
    assert len(first) == 2


def test_greeks_are_written_to_vanish(board: RedisGreeksBoard, cache: Redis) -> None:
    board.write(UNIVERSE, 0, columns(0, 84), AS_OF)

    assert all(0 < cache.ttl(key) <= 30 for key in cache.keys("*"))


@pytest.mark.parametrize("damage", [b"", b"short", b"\0" * 12, b"\xff" * 20_000])
def test_a_string_of_another_length_reads_as_absent(
    board: RedisGreeksBoard, cache: Redis, damage: bytes
) -> None:
    board.write(UNIVERSE, 0, columns(0, 168), AS_OF)
    cache.set(f"ax:greeks:{UNIVERSE.version}:0", damage)

    read, times = board.read_rows(UNIVERSE, np.array([0, 41, 42]))

    assert np.isnan(read[:, :2]).all()
    assert times.tolist() == [0, 0, AS_OF]


def test_a_damaged_string_reads_as_absent(board: RedisGreeksBoard, cache: Redis) -> None:
    board.write(UNIVERSE, 0, columns(0, 168), AS_OF)
    cache.setrange(f"ax:greeks:{UNIVERSE.version}:0", 500, b"\x40")

    read, times = board.read_rows(UNIVERSE, np.array([0, 42]))

    assert np.isnan(read[:, 0]).all()
    assert times.tolist() == [0, AS_OF]
