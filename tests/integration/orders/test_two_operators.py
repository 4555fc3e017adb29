"""Two operators at the same moment: the database lets one of them act and tells the other.

Both are held up by a lock of the test until both have come, so that neither is ever the first by
luck.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Barrier
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine

from angel_x.bootstrap import Application
from angel_x.domain.book.control import ControlScope, OrderSelection
from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.order import Side
from angel_x.domain.records.audit import AuditFilter
from angel_x.errors import ReplayRefused
from tests.builders.orders import Market
from tests.integration.api.running import wait_until

T = TypeVar("T")
SYSTEM = ControlScope.SYSTEM
_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


@contextmanager
def held_up(engine: Engine, lock: str, *deeds: Callable[[], T]) -> Iterator[list[Future[T]]]:
    """Do things at once that all wait for a lock; let them go when the block is left."""
    with ThreadPoolExecutor(len(deeds)) as pool:
        with engine.begin() as holder, engine.connect() as watcher:
            holder.exec_driver_sql(lock)
            running = [pool.submit(deed) for deed in deeds]

            def all_wait() -> bool:
                watcher.rollback()
                return int(watcher.exec_driver_sql(_WAITING).scalar_one()) == len(deeds)

            wait_until(all_wait)
        yield running


def at_once(*deeds: Callable[[], T]) -> list[T | Exception]:
    """Do things in threads that start together; return each answer or refusal."""
    together = Barrier(len(deeds))

    def act(deed: Callable[[], T]) -> T | Exception:
        together.wait()
        try:
            return deed()
        except ReplayRefused as refusal:
            return refusal

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(act, deeds))


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def audited(market: Market) -> list[dict[str, Any]]:
    """Return the details of the audit, the oldest first."""
    page = market.application.operations.audit.entries(AuditFilter(), after=None, limit=50)
    return [entry.detail for entry in reversed(page.entries)]


def parked(market: Market) -> int:
    (accepted,) = market.accept(market.account(), market.request())
    assert market.application.trading.execution.park([accepted.order_id], "boom") == 1
    return accepted.order_id


def test_of_two_that_replay_the_same_parked_order_one_is_refused(market: Market) -> None:
    order_id = parked(market)
    replay = market.application.trading.replays.replay
    lock = f"SELECT 1 FROM orders WHERE id = {order_id} FOR UPDATE"

    with held_up(
        market.application.base.engine,
        lock,
        partial(replay, order_id, "cli:asha"),
        partial(replay, order_id, "cli:ravi"),
    ) as running:
        errors = [future.exception() for future in running]

    assert sorted(type(error).__name__ for error in errors) == ["NoneType", "ReplayRefused"]
    assert len(rows(market, "SELECT 1 FROM orders")) == 2
    assert len(audited(market)) == 1
    market.assert_invariants()


def test_of_two_that_replay_an_order_and_its_replay_one_is_refused(market: Market) -> None:
    order_id = parked(market)
    replay = market.application.trading.replays.replay
    again = int(replay(order_id, "cli:asha").order_id)
    market.application.trading.execution.park([again], "boom")

    answers = at_once(partial(replay, order_id, "cli:asha"), partial(replay, again, "cli:ravi"))

    assert [isinstance(answer, ReplayRefused) for answer in answers].count(True) == 1
    assert len(rows(market, "SELECT 1 FROM orders")) == 3
    assert len(audited(market)) == 2


def test_a_square_off_that_two_start_under_one_key_is_one(market: Market) -> None:
    user = market.account()
    (bought,) = market.accept(user, market.request(Side.BUY, quantity=130))
    market.application.trading.execution.run([bought.order_id])
    service = market.application.workflows.square_off
    start = partial(service.start, user, OrderSelection(), key="exit")

    answers = at_once(partial(start, actor="cli:asha"), partial(start, actor="cli:ravi"))
    workflows = [answer for answer in answers if not isinstance(answer, Exception)]
    ids = {workflow.id for workflow, _ in workflows}
    (workflow_id,) = ids
    at_once(*[partial(market.application.workflows.advance.run, workflow_id)] * 2)
    market.application.workflows.advance.run(workflow_id)

    assert sorted(is_new for _, is_new in workflows) == [False, True]
    assert rows(market, "SELECT count(*) FROM workflows") == [(1,)]
    exits = "SELECT side, quantity, status FROM orders WHERE client_order_id LIKE 'square-off %%'"
    assert rows(market, exits) == [("SELL", 130, "filled")]
    assert rows(market, "SELECT count(*) FROM positions WHERE status = 'OPEN'") == [(0,)]
    market.assert_invariants()


def test_of_two_that_turn_the_kill_switch_each_entry_of_the_audit_says_the_state_before(
    market: Market,
) -> None:
    turn = market.application.controls.trading_controls.turn
    turn(SYSTEM, "", TradingState.REDUCING, actor="cli:asha")
    lock = "SELECT 1 FROM trading_controls FOR UPDATE"

    with held_up(
        market.application.base.engine,
        lock,
        partial(turn, SYSTEM, "", TradingState.HALTED, actor="cli:asha"),
        partial(turn, SYSTEM, "", TradingState.ACTIVE, actor="cli:ravi"),
    ) as running:
        receipts = [future.result() for future in running]

    entries = audited(market)
    assert [entry["before"] for entry in entries[1:]] == [entry["state"] for entry in entries[:-1]]
    assert {receipt.state for receipt in receipts} == {TradingState.HALTED, TradingState.ACTIVE}
    assert rows(market, "SELECT state FROM trading_controls") == [(entries[-1]["state"],)]


@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.REDUCING])
def test_two_that_turn_the_kill_switch_alike_are_both_audited_and_it_holds(
    market: Market, state: TradingState
) -> None:
    user = market.account()
    (order,) = market.accept(user, market.request())
    turn = partial(market.application.controls.trading_controls.turn, SYSTEM, "", state)

    at_once(partial(turn, actor="cli:asha"), partial(turn, actor="cli:ravi"))
    market.application.trading.execution.run([order.order_id])

    assert sorted(entry["before"] for entry in audited(market)) == sorted(["active", state.value])
    assert market.statuses() == {order.order_id: "denied"}
    assert rows(market, "SELECT count(*) FROM fills") == [(0,)]
