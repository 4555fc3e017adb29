from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
import redis

from angel_x.adapters.redis.quote_board import BLOCK, RedisQuoteBoard
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.quotes.quote import QUOTE
from tests.builders.chains import make_universe
from tests.builders.markets import MemoryQuoteBoard, make_quotes

if TYPE_CHECKING:
    from angel_x.services.ports import QuoteBoard

#: Three blocks, the last of them short.
UNIVERSE = make_universe(("BANKNIFTY", "NIFTY"), strikes=range(10_000, 27_500, 100))
SIZE = len(UNIVERSE)


@pytest.fixture(params=["memory", "redis"])
def board(request: pytest.FixtureRequest) -> QuoteBoard:
    if request.param == "memory":
        return MemoryQuoteBoard()
    return RedisQuoteBoard(request.getfixturevalue("cache"), ttl_seconds=60)


def test_the_universe_covers_several_blocks() -> None:
    assert 2 * BLOCK < SIZE < 3 * BLOCK


def test_an_empty_board_reads_as_zeros(board: QuoteBoard) -> None:
    assert board.read(UNIVERSE).tolist() == np.zeros(SIZE, QUOTE).tolist()
    assert board.read_rows(UNIVERSE, np.array([5, 1_300]))["time"].tolist() == [0, 0]
    assert board.spots(UNIVERSE)["time"].tolist() == [0, 0]


def test_what_is_written_is_read_and_nothing_else_changes(board: QuoteBoard) -> None:
    rows = np.array([0, 1, 2, 511, 512, 513, 700, SIZE - 1])
    quotes = make_quotes([100 + n for n in range(len(rows))], time=7)

    board.write(UNIVERSE, rows, quotes)

    expected = np.zeros(SIZE, QUOTE)
    expected[rows] = quotes
    assert board.read(UNIVERSE).tolist() == expected.tolist()


def test_rows_are_read_in_the_order_asked_for_and_may_repeat(board: QuoteBoard) -> None:
    board.write(UNIVERSE, np.array([3, 600, 1_200]), make_quotes([30, 600, 1_200], time=7))

    asked = np.array([1_200, 3, 3, 4, 600])

    assert board.read_rows(UNIVERSE, asked)["last"].tolist() == [1_200, 30, 30, 0, 600]
    assert len(board.read_rows(UNIVERSE, np.zeros(0, np.int64))) == 0


def test_a_later_quote_replaces_the_earlier_one(board: QuoteBoard) -> None:
    board.write(UNIVERSE, np.array([10, 11]), make_quotes([100, 110], time=1))
    board.write(UNIVERSE, np.array([11, 9, 11]), make_quotes([111, 90, 112], time=2))

    assert board.read(UNIVERSE)["last"][8:13].tolist() == [0, 90, 100, 112, 0]


def test_writing_nothing_changes_nothing(board: QuoteBoard) -> None:
    board.write(UNIVERSE, np.zeros(0, np.int64), np.zeros(0, QUOTE))

    assert not board.read(UNIVERSE)["time"].any()


def test_spots_are_kept_by_underlying(board: QuoteBoard) -> None:
    board.write_spots(UNIVERSE, make_quotes([5_200_000, 2_400_000], time=7))

    assert board.spots(UNIVERSE)["last"].tolist() == [5_200_000, 2_400_000]


def test_rows_and_spots_read_together_are_what_they_are_apart(board: QuoteBoard) -> None:
    rows = np.array([700, 1, 700, SIZE - 1])
    board.write(UNIVERSE, np.array([1, 700]), make_quotes([100, 200], time=7))
    board.write_spots(UNIVERSE, make_quotes([5_200_000, 2_400_000], time=7))

    quotes, spots = board.read_rows_and_spots(UNIVERSE, rows)

    assert quotes.tolist() == board.read_rows(UNIVERSE, rows).tolist()
    assert quotes["last"].tolist() == [200, 100, 200, 0]
    assert spots.tolist() == board.spots(UNIVERSE).tolist()


def test_the_market_is_read_at_once_and_is_what_its_parts_are(board: QuoteBoard) -> None:
    rows = np.array([700, 1, 700, SIZE - 1])
    board.write(UNIVERSE, np.array([1, 700]), make_quotes([100, 200], time=7))
    board.write_spots(
        UNIVERSE, make_quotes([5_200_000, 2_400_000], time=7), make_quotes([11, 22, 33, 44], time=7)
    )

    market = board.read_market(UNIVERSE, rows)

    assert market.quotes["last"].tolist() == [200, 100, 200, 0]
    assert market.spots.tolist() == board.spots(UNIVERSE).tolist()
    assert market.futures["last"].tolist() == [11, 22, 33, 44]


def test_spots_without_futures_leave_the_futures_as_they_are(board: QuoteBoard) -> None:
    chains = len(UNIVERSE.chains)
    assert board.read_market(UNIVERSE, np.arange(3)).futures["time"].tolist() == [0] * chains

    board.write_spots(UNIVERSE, make_quotes([1, 2]), make_quotes([11, 22, 33, 44], time=7))
    board.write_spots(UNIVERSE, make_quotes([3, 4]))

    market = board.read_market(UNIVERSE, np.arange(3))
    assert market.spots["last"].tolist() == [3, 4]
    assert market.futures["last"].tolist() == [11, 22, 33, 44]


@pytest.mark.parametrize(("start", "stop"), [(0, SIZE), (511, 514), (600, 601), (1_024, SIZE)])
def test_rows_that_follow_each_other_are_read_as_they_stand(
    board: QuoteBoard, start: int, stop: int
) -> None:
    board.write(UNIVERSE, np.arange(SIZE), make_quotes(list(range(10, 10 + SIZE)), time=7))

    read = board.read_rows(UNIVERSE, np.arange(start, stop))

    assert read["last"].tolist() == list(range(10 + start, 10 + stop))


def test_futures_that_do_not_fit_the_universe_are_cut_to_it(cache: redis.Redis) -> None:
    board = RedisQuoteBoard(cache, ttl_seconds=60)
    cache.set(f"ax:futures:{UNIVERSE.version}", make_quotes([11] * 5).tobytes()[:-3])

    assert board.read_market(UNIVERSE, np.arange(2)).futures["last"].tolist() == [11] * 4


def test_another_universe_has_a_board_of_its_own(board: QuoteBoard) -> None:
    other = make_universe(strikes=(24_000,))
    board.write(UNIVERSE, np.array([0]), make_quotes([100], time=7))
    board.write_spots(UNIVERSE, make_quotes([1, 2], time=7))

    assert not board.read(other)["time"].any()
    assert not board.spots(other)["time"].any()


def test_any_rows_in_any_order_end_where_they_belong(cache: redis.Redis) -> None:
    random = Random(5)
    board, twin = RedisQuoteBoard(cache, ttl_seconds=60), MemoryQuoteBoard()

    for turn in range(30):
        rows = np.array(random.choices(range(SIZE), k=random.randrange(1, 200)))
        quotes = make_quotes([random.randrange(10, 10**9) for _ in rows], time=turn + 1)
        board.write(UNIVERSE, rows, quotes)
        twin.write(UNIVERSE, rows, quotes)

    assert board.read(UNIVERSE).tolist() == twin.read(UNIVERSE).tolist()


def commands_of(cache: redis.Redis, action: Callable[[], object]) -> dict[str, int]:
    """Return how often the server ran each command during an action."""
    cache.config_resetstat()
    action()
    stats = cast("dict[str, dict[str, int]]", cache.info("commandstats"))
    return {name.removeprefix("cmdstat_"): s["calls"] for name, s in stats.items()}


def test_neighbors_are_written_at_once_and_a_read_is_one_command(cache: redis.Redis) -> None:
    board = RedisQuoteBoard(cache, ttl_seconds=60)
    rows = np.r_[np.arange(500, 600), np.arange(900, 950)]

    written = commands_of(cache, lambda: board.write(UNIVERSE, rows, make_quotes([100] * 150)))
    read = commands_of(cache, lambda: board.read(UNIVERSE))

    # One run ends at the boundary of its block.
    assert (written["setrange"], written["expire"]) == (3, 2)
    assert (read["mget"], "get" in read) == (1, False)


def test_a_whole_block_is_one_command_with_its_life(cache: redis.Redis) -> None:
    board = RedisQuoteBoard(cache, ttl_seconds=45)
    quotes = make_quotes([100] * SIZE, time=7)

    written = commands_of(cache, lambda: board.write(UNIVERSE, np.arange(SIZE), quotes))

    assert (written["set"], "setrange" in written, "expire" in written) == (3, False, False)
    assert all(44 <= cache.ttl(key) <= 45 for key in cache.keys())  # noqa: SIM118


def test_a_block_expires_after_its_last_write(cache: redis.Redis) -> None:
    board = RedisQuoteBoard(cache, ttl_seconds=45)
    board.write(UNIVERSE, np.array([0]), make_quotes([100], time=7))
    board.write_spots(UNIVERSE, make_quotes([1, 2], time=7))

    lifetimes = {key: cache.ttl(key) for key in cache.keys()}  # noqa: SIM118  not a dict

    assert set(lifetimes) == {
        f"ax:quotes:{UNIVERSE.version}:0".encode(),
        f"ax:spots:{UNIVERSE.version}".encode(),
    }
    assert all(44 <= seconds <= 45 for seconds in lifetimes.values())


def test_a_block_that_is_gone_reads_as_zeros_beside_one_that_is_there(cache: redis.Redis) -> None:
    board = RedisQuoteBoard(cache, ttl_seconds=60)
    board.write(UNIVERSE, np.array([0, 600]), make_quotes([100, 200], time=7))

    cache.delete(f"ax:quotes:{UNIVERSE.version}:0")

    assert board.read_rows(UNIVERSE, np.array([0, 600]))["last"].tolist() == [0, 200]


def test_an_empty_universe_is_read_without_asking(cache: redis.Redis) -> None:
    assert len(RedisQuoteBoard(cache, ttl_seconds=60).read(Universe([]))) == 0
