"""Doorbells for an account that another transaction holds."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from angel_x.bootstrap import Application
from angel_x.services.trading.decided import Decided
from tests.builders.deadlines import DEADLINE_SECONDS
from tests.builders.orders import Market
from tests.integration.api.running import wait_until

_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND strpos(query, 'NO KEY UPDATE') > 0
"""


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


@contextmanager
def held(market: Market, user_id: int) -> Iterator[None]:
    """Hold the account as a transaction does that decides its orders."""
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT FROM users WHERE id = {user_id} FOR NO KEY UPDATE")
        yield


def waiting(market: Market) -> int:
    with market.application.base.engine.connect() as connection:
        return int(connection.exec_driver_sql(_WAITING).scalar_one())


def accept(market: Market, user: int) -> int:
    (accepted,) = market.accept(user, market.request())
    return accepted.order_id


def test_an_account_that_is_held_does_not_hold_up_another_one(market: Market) -> None:
    hot, other = market.account("hot"), market.account("other")
    first, theirs = accept(market, hot), accept(market, other)
    execution = market.application.trading.execution

    with ThreadPoolExecutor(1) as pool, held(market, hot):
        mixed = pool.submit(execution.answer, [first, theirs])
        wait_until(lambda: market.statuses()[theirs] == "filled")
        wait_until(lambda: waiting(market) == 1)
        assert market.statuses()[first] == "received"
    assert mixed.result(DEADLINE_SECONDS) == Decided(2)


def test_one_process_waits_for_an_account_and_decides_what_others_left_to_it(
    market: Market,
) -> None:
    hot = market.account("hot")
    first = accept(market, hot)
    execution = market.application.trading.execution

    with ThreadPoolExecutor(1) as pool, held(market, hot):
        waits = pool.submit(execution.answer, [first])
        wait_until(lambda: waiting(market) == 1)
        second = accept(market, hot)
        assert execution.answer([second]) == Decided(0, elsewhere=frozenset({hot}))
    assert waits.result(DEADLINE_SECONDS) == Decided(2)

    assert set(market.statuses().values()) == {"filled"}
    assert execution.answer([first]) == Decided(0)
    market.assert_invariants()
