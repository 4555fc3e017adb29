"""One contract for the board in memory and the one in Redis; then what only the real one can show."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
import redis

from angel_x.adapters.redis.liquidity import RedisLiquidity
from angel_x.domain.quotes.liquidity import CLAIM, LiquidityBoard
from tests.builders.chains import make_universe
from tests.builders.liquidity import MemoryLiquidity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.plugins.servers import RedisUrls

UNIVERSE = make_universe()
OTHER = make_universe(strikes=(24_000,))


@pytest.fixture(params=["memory", "redis"])
def board(request: pytest.FixtureRequest) -> LiquidityBoard:
    if request.param == "memory":
        return MemoryLiquidity()
    return RedisLiquidity(request.getfixturevalue("cache"), ttl_seconds=60)


def claim(wanted: int, **columns: int) -> NDArray[np.void]:
    """Return one claim on 650 units at 100.00, quoted at time 1,000."""
    made = np.zeros(1, CLAIM)
    usual = {"row": 3, "time": 1_000, "price": 10_000, "size": 650, "displayed": 650}
    for name, value in (usual | columns | {"wanted": wanted}).items():
        made[name] = value
    return made


def take(board: LiquidityBoard, wanted: int, **columns: int) -> int:
    return int(board.take(UNIVERSE, claim(wanted, **columns))[0])


def test_what_was_taken_is_not_there_for_the_next(board: LiquidityBoard) -> None:
    assert [take(board, wanted) for wanted in (260, 195, 455, 65)] == [260, 195, 195, 0]


def test_what_is_left_is_read_without_taking_it(board: LiquidityBoard) -> None:
    take(board, 260)

    assert [int(board.left(UNIVERSE, claim(w))[0]) for w in (650, 650, 65)] == [390, 390, 65]
    assert take(board, 650) == 390
    assert int(board.left(UNIVERSE, claim(650))[0]) == 0
    assert int(board.left(UNIVERSE, claim(650, volume=65, time=1_001))[0]) == 650


def test_the_same_quote_said_again_brings_nothing(board: LiquidityBoard) -> None:
    take(board, 650)

    assert take(board, 65, time=9_000) == 0


@pytest.mark.parametrize(
    "change", [{"price": 10_005}, {"size": 585, "displayed": 585}, {"volume": 65}]
)
def test_a_new_quote_starts_afresh(board: LiquidityBoard, change: dict[str, int]) -> None:
    take(board, 650)

    assert take(board, 585, time=1_001, **change) == 585


@pytest.mark.parametrize("time", [999, 1_000])
def test_a_quote_that_was_replaced_has_nothing_left(board: LiquidityBoard, time: int) -> None:
    take(board, 65)

    assert take(board, 65, time=time, price=9_995) == 0
    assert take(board, 650) == 585


def test_contracts_sides_and_universes_are_apart(board: LiquidityBoard) -> None:
    assert take(board, 650) == 650
    assert take(board, 650, is_buy=1) == 650
    assert take(board, 650, row=4) == 650
    assert board.take(OTHER, claim(650)).tolist() == [650]


def test_claims_of_a_batch_are_answered_in_their_order(board: LiquidityBoard) -> None:
    take(board, 585, row=1)
    claims = np.concatenate([claim(130, row=row) for row in (2, 1, 0)])

    assert board.take(UNIVERSE, claims).tolist() == [130, 65, 130]


def test_claims_of_one_contract_and_side_in_a_batch_never_get_the_same_units(
    board: LiquidityBoard,
) -> None:
    claims = np.concatenate([claim(390), claim(390, displayed=520), claim(65, displayed=455)])

    assert board.take(UNIVERSE, claims).tolist() == [390, 130, 0]
    assert take(board, 650) == 130


def test_large_quantities_are_exact(board: LiquidityBoard) -> None:
    most = 2**31 * 65

    assert take(board, 10 * most, displayed=3 * most) == 3 * most


def test_more_claims_than_one_script_takes(cache: redis.Redis) -> None:
    claims = np.concatenate([claim(65)] * 5_000)
    claims["row"] = np.arange(5_000)
    board = RedisLiquidity(cache, ttl_seconds=60)

    assert board.take(UNIVERSE, claims).tolist() == [65] * 5_000


def test_what_was_taken_is_forgotten_in_the_end(cache: redis.Redis) -> None:
    take(RedisLiquidity(cache, ttl_seconds=60), 65)

    (key,) = cache.keys("ax:taken:*")
    assert 0 < cache.ttl(key) <= 60


def test_a_cache_that_lost_everything_starts_every_quote_afresh(cache: redis.Redis) -> None:
    board = RedisLiquidity(cache, ttl_seconds=60)
    take(board, 650)

    cache.flushall()
    cache.script_flush()

    assert take(board, 650) == 650


def test_workers_together_never_take_more_than_is_displayed(redis_urls: RedisUrls) -> None:
    def work(number: int) -> int:
        with closing(redis.Redis.from_url(redis_urls.cache_url)) as client:
            board = RedisLiquidity(client, ttl_seconds=60)
            # Restated all the while, as a feed does.
            return sum(take(board, 65, displayed=65 * 333, time=1_000 + i) for i in range(100))

    with ThreadPoolExecutor(6) as pool:
        granted = list(pool.map(work, range(6)))

    assert sum(granted) == 65 * 333
