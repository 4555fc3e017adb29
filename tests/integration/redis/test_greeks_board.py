from __future__ import annotations

from datetime import date
from itertools import islice
from struct import pack_into
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from angel_x.adapters.redis.columnar_board import ColumnarBoard
from angel_x.adapters.redis.greeks_board import RedisChainBoards, RedisGreeksBoard, RedisRiskBoard
from angel_x.domain.chains.published import Valued
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.margin.risk_arrays import RISK_ROWS
from angel_x.domain.pricing.greek import GREEK_FIELDS
from tests.builders.chains import make_universe
from tests.builders.deadlines import within
from tests.builders.markets import factory_on

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from redis import Redis

UNIVERSE = make_universe(("BANKNIFTY", "NIFTY"))
AS_OF = 1_787_000_000_123
MARKS = np.array([2**64 - 1, 7, 8, 9], np.uint64)
#: Rows of either board.
FIELDS = {"greeks": len(GREEK_FIELDS), "risk": RISK_ROWS}


@pytest.fixture(params=FIELDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def board(cache: Redis, name: str) -> ColumnarBoard:
    made = {"greeks": RedisGreeksBoard, "risk": RedisRiskBoard}[name]
    return made(cache, ttl_seconds=30)


@pytest.fixture
def boards(cache: Redis) -> RedisChainBoards:
    greeks, risk = RedisGreeksBoard(cache, 30), RedisRiskBoard(cache, 30)
    return RedisChainBoards(cache, greeks, risk)


def columns(start: int, stop: int, fields: int = len(GREEK_FIELDS)) -> NDArray[np.float32]:
    """Columns in which every number is its own."""
    rows = np.arange(start, stop, dtype=np.float32)
    return rows + 1000 * np.arange(fields, dtype=np.float32)[:, None]


def valued(start: int, stop: int, as_of_ms: int = AS_OF) -> Valued:
    marks = MARKS[start // 42 : stop // 42]
    return Valued(columns(start, stop), columns(start, stop, RISK_ROWS), as_of_ms, marks)


def test_what_is_written_in_chunks_is_read_as_a_whole(board: ColumnarBoard, name: str) -> None:
    board.write(UNIVERSE, 0, columns(0, 84, FIELDS[name]), AS_OF)
    board.write(UNIVERSE, 84, columns(84, 168, FIELDS[name]), AS_OF + 1)

    read, times = board.read(UNIVERSE)

    np.testing.assert_array_equal(read, columns(0, 168, FIELDS[name]))
    assert times.tolist() == [AS_OF] * 84 + [AS_OF + 1] * 84


def test_rows_are_read_in_the_order_asked_for_and_may_repeat(
    board: ColumnarBoard, name: str
) -> None:
    board.write(UNIVERSE, 0, columns(0, 168, FIELDS[name]), AS_OF)
    rows = np.array([150, 3, 150, 60, 0, 167])

    read, times = board.read_rows(UNIVERSE, rows)

    np.testing.assert_array_equal(read, columns(0, 168, FIELDS[name])[:, rows])
    assert times.tolist() == [AS_OF] * 6


def test_no_rows_are_read_without_asking(board: ColumnarBoard, name: str) -> None:
    read, times = board.read_rows(UNIVERSE, np.zeros(0, np.int64))

    assert read.shape == (FIELDS[name], 0)
    assert times.shape == (0,)


def test_no_columns_write_nothing(board: ColumnarBoard, cache: Redis, name: str) -> None:
    board.write(UNIVERSE, 0, columns(0, 0, FIELDS[name]), AS_OF)

    assert cache.dbsize() == 0


def test_what_was_never_written_reads_as_absent(board: ColumnarBoard, name: str) -> None:
    board.write(UNIVERSE, 42, columns(42, 84, FIELDS[name]), AS_OF)

    read, times = board.read(UNIVERSE)

    assert np.isnan(np.delete(read, slice(42, 84), axis=1)).all()
    assert set(np.delete(times, slice(42, 84))) == {0}
    np.testing.assert_array_equal(read[:, 42:84], columns(42, 84, FIELDS[name]))


def test_another_version_of_the_universe_sees_none_of_it(board: ColumnarBoard, name: str) -> None:
    board.write(UNIVERSE, 0, columns(0, 168, FIELDS[name]), AS_OF)
    newer = make_universe(("NIFTY",))

    read, times = board.read(newer)

    assert np.isnan(read).all()
    assert not times.any()


def test_doubles_are_published_in_single_precision(board: ColumnarBoard, name: str) -> None:
    exact = np.full((FIELDS[name], 42), 1 / 3)
    exact[0, :3] = (1e300, -1e300, np.nan)

    board.write(UNIVERSE, 0, exact, AS_OF)

    read, _ = board.read_rows(UNIVERSE, np.arange(42))
    assert read[0, :3].tolist() == pytest.approx([np.inf, -np.inf, np.nan], nan_ok=True)
    assert set(read[1].tolist()) == {float(np.float32(1 / 3))}


def test_writing_a_chunk_again_writes_the_same_bytes(
    boards: RedisChainBoards, cache: Redis
) -> None:
    boards.write(UNIVERSE, 0, valued(0, 84))
    first = {key: cache.get(key) for key in cache.keys("*")}

    boards.write(UNIVERSE, 0, valued(0, 84))

    assert {key: cache.get(key) for key in cache.keys("*")} == first
    version = UNIVERSE.version
    assert set(first) == {
        f"ax:{name}:{version}:{chain}".encode() for name in FIELDS for chain in (0, 1)
    }


def test_all_that_is_published_is_written_to_vanish(boards: RedisChainBoards, cache: Redis) -> None:
    boards.write(UNIVERSE, 0, valued(0, 84))

    lives = [cache.ttl(key) for key in cache.keys("*")]
    assert len(lives) == 2 * len(FIELDS)
    assert all(0 < seconds <= 30 for seconds in lives)


def test_the_heads_say_when_and_of_what_each_chain_was_published(boards: RedisChainBoards) -> None:
    boards.write(UNIVERSE, 0, valued(0, 42))
    boards.write(UNIVERSE, 84, valued(84, 168, AS_OF + 1))

    heads = boards.heads(UNIVERSE)

    assert heads.as_of_ms.tolist() == [AS_OF, 0, AS_OF + 1, AS_OF + 1]
    assert heads.fingerprints.tolist() == [2**64 - 1, 0, 8, 9]


def test_an_empty_universe_has_no_heads(boards: RedisChainBoards) -> None:
    heads = boards.heads(make_universe(()))

    assert (heads.as_of_ms.size, heads.fingerprints.size) == (0, 0)


def test_a_chain_that_has_a_head_has_its_risk_array(boards: RedisChainBoards, cache: Redis) -> None:
    with cache.monitor() as monitor:  # type: ignore[no-untyped-call]  # redis-py types half of itself
        boards.write(UNIVERSE, 0, valued(0, 84))
        seen = (str(found["command"]) for found in monitor.listen())
        sets = (c.split(":")[1] for c in seen if c.startswith("SET ax:"))
        written = within(lambda: list(islice(sets, 4)))

    assert written == ["risk", "risk", "greeks", "greeks"]


DAMAGES = {
    "nothing": b"",
    "short": b"short",
    "a head of zeros": b"\0" * 24,
    "noise": b"\xff" * 20_000,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_string_of_another_length_reads_as_absent(
    board: ColumnarBoard, cache: Redis, name: str, damage: bytes
) -> None:
    board.write(UNIVERSE, 0, columns(0, 168, FIELDS[name]), AS_OF)
    cache.set(f"ax:{name}:{UNIVERSE.version}:0", damage)

    read, times = board.read_rows(UNIVERSE, np.array([0, 41, 42]))

    assert np.isnan(read[:, :2]).all()
    assert times.tolist() == [0, 0, AS_OF]
    np.testing.assert_array_equal(read[:, 2], columns(42, 43, FIELDS[name])[:, 0])


@pytest.mark.parametrize("offset", [0, 4, 8, 12, 16, 23, 24, 500])
def test_a_damaged_string_reads_as_absent(
    board: ColumnarBoard, cache: Redis, name: str, offset: int
) -> None:
    board.write(UNIVERSE, 0, columns(0, 168, FIELDS[name]), AS_OF)
    cache.setrange(f"ax:{name}:{UNIVERSE.version}:0", offset, b"\x77")

    read, times = board.read_rows(UNIVERSE, np.array([0, 42]))

    assert np.isnan(read[:, 0]).all()
    assert times.tolist() == [0, AS_OF]


def test_a_string_of_another_layout_reads_as_absent(
    board: ColumnarBoard, cache: Redis, name: str
) -> None:
    """Two fields more on fewer rows: as long as ours, and sound."""
    other = make_universe(("BANKNIFTY", "NIFTY"), strikes=range(23_000, 23_100, 10))
    foreign = ColumnarBoard(cache, name=name, fields=2 * FIELDS[name], ttl_seconds=30)
    foreign.write(other, 0, columns(0, 20, 2 * FIELDS[name]), AS_OF)
    stored = cast("bytes", cache.get(f"ax:{name}:{other.version}:0"))
    ours = make_universe(("BANKNIFTY", "NIFTY"), strikes=range(23_000, 23_200, 10))
    cache.set(f"ax:{name}:{ours.version}:0", stored)

    read, times = board.read_rows(ours, np.array([0]))

    assert np.isnan(read).all()
    assert times.tolist() == [0]
    assert board.heads(ours).as_of_ms.tolist() == [0] * 4


def test_a_short_or_foreign_string_has_no_head(boards: RedisChainBoards, cache: Redis) -> None:
    boards.write(UNIVERSE, 0, valued(0, 168))
    foreign = bytearray(24)
    pack_into("<IIqQ", foreign, 0, 0, 13, AS_OF, 5)
    for chain, damage in enumerate((b"short", bytes(foreign), b"")):
        cache.set(f"ax:greeks:{UNIVERSE.version}:{chain}", damage)

    heads = boards.heads(UNIVERSE)

    assert heads.as_of_ms.tolist() == [0, 0, 0, AS_OF]
    assert heads.fingerprints.tolist() == [0, 0, 0, 9]


def test_columns_are_carried_to_another_universe_with_their_times(
    board: ColumnarBoard, name: str
) -> None:
    before = UNIVERSE
    board.write(before, 0, columns(0, 84, FIELDS[name]), AS_OF)
    board.write(before, 84, columns(84, 126, FIELDS[name]), AS_OF + 1)
    universe = Universe(c for c in before.contracts if c.strike % 100 == 0)

    board.carry(before, universe)

    rows = before.rows_in(universe)
    stays = rows >= 0
    expected, ages = board.read(before)
    read, times = board.read_rows(universe, rows[stays])
    np.testing.assert_array_equal(read, expected[:, stays])
    assert times.tolist() == ages[stays].tolist()
    assert {*times.tolist()} == {0, AS_OF, AS_OF + 1}
    assert not board.heads(universe).fingerprints.any()


def test_a_chain_with_a_new_contract_keeps_the_columns_of_the_others(
    board: ColumnarBoard, name: str
) -> None:
    before = Universe(c for c in UNIVERSE.contracts if c.strike % 100 == 0)
    board.write(before, 0, columns(0, len(before), FIELDS[name]), AS_OF)

    board.carry(before, UNIVERSE)

    read, _ = board.read(UNIVERSE)
    rows = before.rows_in(UNIVERSE)
    np.testing.assert_array_equal(read[:, rows], columns(0, len(before), FIELDS[name]))
    assert np.isnan(np.delete(read, rows, axis=1)).all()


def test_futures_have_no_columns_and_options_beside_them_keep_theirs(
    board: ColumnarBoard, name: str
) -> None:
    future = factory_on(date(2026, 8, 19)).make_future("NIFTY", UNIVERSE.chains[-1].expiry)
    universe = Universe([*UNIVERSE.contracts, future])
    size = universe.option_count
    board.write(universe, 0, columns(0, size, FIELDS[name]), AS_OF)

    found, times = board.read_rows(universe, np.array([size, size - 1]))
    board.carry(universe, UNIVERSE)

    assert np.isnan(found[:, 0]).all()
    assert found[0].tolist()[1:] == [size - 1]
    assert times.tolist() == [0, AS_OF]
    assert board.read(UNIVERSE)[0][0].tolist() == list(range(size))
