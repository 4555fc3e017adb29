from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from angel_x.adapters.redis.portfolios import RedisPortfolioCache

if TYPE_CHECKING:
    from redis import Redis


@pytest.fixture
def portfolios(cache: Redis) -> RedisPortfolioCache:
    return RedisPortfolioCache(cache, ttl_seconds=10)


def test_a_portfolio_is_read_as_it_was_written_and_vanishes(
    portfolios: RedisPortfolioCache, cache: Redis
) -> None:
    portfolios.put({7: b'{"user_id":7}', 8: b"{}"})

    assert portfolios.get(7) == b'{"user_id":7}'
    assert portfolios.get(9) is None
    assert 0 < cache.ttl("ax:portfolio:7") <= 10


def test_only_the_first_mark_of_an_account_is_new(portfolios: RedisPortfolioCache) -> None:
    assert portfolios.mark_dirty([3, 1, 3]) == [1, 3]
    assert portfolios.mark_dirty([1, 2]) == [2]
    assert portfolios.dirty() == {1, 2, 3}


def test_an_account_can_be_marked_again_once_its_mark_is_taken_off(
    portfolios: RedisPortfolioCache,
) -> None:
    portfolios.mark_dirty([1, 2])

    portfolios.clear_dirty([1, 99])

    assert portfolios.dirty() == {2}
    assert portfolios.mark_dirty([1, 2]) == [1]


def test_nothing_is_marked_or_cleared_for_nobody(portfolios: RedisPortfolioCache) -> None:
    portfolios.clear_dirty([])

    assert portfolios.mark_dirty([]) == []
    assert portfolios.dirty() == set()


def test_a_mark_that_is_no_account_is_not_one(
    portfolios: RedisPortfolioCache, cache: Redis
) -> None:
    cache.sadd("ax:portfolio:dirty", "5", "x", "-1")

    assert portfolios.dirty() == {5}
