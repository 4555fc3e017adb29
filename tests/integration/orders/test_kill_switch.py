"""Trading states on real servers: they hold from the commit on, are audited, and clear the market."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres import silent_sessions
from angel_x.bootstrap import Application
from angel_x.domain.book.control import ControlScope
from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import Priority, Side
from angel_x.errors import InvalidInput, UnknownContract
from tests.builders.environs import application_on
from tests.builders.orders import Market
from tests.integration.api.running import wait_until

HALTED, REDUCING, ACTIVE = TradingState.HALTED, TradingState.REDUCING, TradingState.ACTIVE
SYSTEM = (ControlScope.SYSTEM, "")


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def turn(market: Market, state: TradingState, scope: tuple[ControlScope, str] = SYSTEM) -> bool:
    receipt = market.application.controls.trading_controls.turn(
        *scope, state, actor="test", reason="drill"
    )
    return receipt.settled


def place(
    market: Market,
    user: int,
    side: Side = Side.BUY,
    limit: str | None = None,
    priority: Priority = Priority.NORMAL,
) -> int:
    (accepted,) = market.accept(user, market.request(side, limit=limit, priority=priority))
    market.application.trading.execution.run([accepted.order_id])
    return accepted.order_id


@pytest.mark.parametrize("scope", ["system", "user", "underlying"])
def test_what_is_decided_after_the_switch_is_denied(market: Market, scope: str) -> None:
    user = market.account()
    names = {"system": "", "user": str(user), "underlying": "NIFTY"}
    (accepted,) = market.accept(user, market.request())

    assert turn(market, HALTED, (ControlScope(scope), names[scope]))
    market.application.trading.execution.run([accepted.order_id])

    assert rows(market, "SELECT status, reason FROM orders") == [
        ("denied", DenialReason.TRADING_HALTED)
    ]
    assert rows(market, "SELECT count(*) FROM fills") == [(0,)]
    market.assert_invariants()


def test_another_account_and_another_underlying_go_on(market: Market) -> None:
    user, other = market.account(), market.account("other")
    turn(market, HALTED, (ControlScope.USER, str(other)))
    market.application.controls.states.put(
        ControlScope.UNDERLYING, "BANKNIFTY", HALTED, actor="test", reason=None
    )

    order_id = place(market, user)

    assert market.statuses()[order_id] == "filled"


def test_off_lets_trade_again(market: Market) -> None:
    user = market.account()
    turn(market, HALTED)
    turn(market, ACTIVE)

    order_id = place(market, user)

    assert market.statuses()[order_id] == "filled"


def test_every_turn_is_audited_with_the_state_before(market: Market) -> None:
    turn(market, HALTED)
    turn(market, REDUCING)

    assert rows(market, "SELECT actor, action, subject, detail FROM audit_entries ORDER BY id") == [
        (
            "test",
            "trading_state.set",
            "system",
            {"state": state, "before": before, "reason": "drill"},
        )
        for state, before in (("halted", "active"), ("reducing", "halted"))
    ]


@pytest.mark.parametrize("scope", ["user", "underlying", "system"])
def test_a_halt_of_any_scope_cancels_what_is_open_there_and_nothing_else(
    market: Market, scope: str
) -> None:
    user, other = market.account(), market.account("other")
    resting, foreign = place(market, user, limit="80.00"), place(market, other, limit="80.00")
    (waiting,) = market.accept(user, market.request())
    names = {"system": "", "user": str(user), "underlying": "NIFTY"}
    is_alone = scope == "user"
    # What is halted elsewhere concerns none of these orders.
    market.application.controls.states.put(
        ControlScope.UNDERLYING, "BANKNIFTY", HALTED, actor="test", reason=None
    )
    assert not market.application.controls.enforcement.is_due()

    turn(market, HALTED, (ControlScope(scope), names[scope]))
    assert market.application.controls.enforcement.is_due()
    assert market.application.controls.enforcement.run() == (2 if is_alone else 3)

    gone = ("canceled", CancelReason.KILL_SWITCH)
    assert rows(market, "SELECT id, status, reason FROM orders ORDER BY id") == [
        (resting, *gone),
        (foreign, *(("working", None) if is_alone else gone)),
        (waiting.order_id, *gone),
    ]
    assert not market.application.controls.enforcement.is_due()
    assert market.application.controls.enforcement.run() == 0
    market.assert_invariants()


def test_reducing_cancels_what_would_make_a_position_larger(market: Market) -> None:
    user = market.account()
    place(market, user)
    buying = place(market, user, limit="80.00")
    closing = place(market, user, Side.SELL, limit="120.00")
    opening = place(market, user, Side.SELL, limit="121.00")

    turn(market, REDUCING)
    market.application.controls.enforcement.run()

    statuses = market.statuses()
    assert (statuses[buying], statuses[closing], statuses[opening]) == (
        "canceled",
        "working",
        "canceled",
    )
    assert not market.application.controls.enforcement.is_due()
    market.assert_invariants()


def test_an_emergency_order_that_closes_stands_under_a_halt_until_it_trades(
    market: Market,
) -> None:
    user = market.account()
    place(market, user)
    turn(market, HALTED)

    closing = place(market, user, Side.SELL, limit="120.00", priority=Priority.EMERGENCY)
    assert not market.application.controls.enforcement.is_due()
    assert market.application.controls.enforcement.run() == 0
    assert market.statuses()[closing] == "working"

    market.quote(market.symbols[0], bid="120.00", ask="121.00")
    assert market.application.trading.matching.run() == 1
    assert market.statuses()[closing] == "filled"
    market.assert_invariants()


def test_while_reducing_a_position_can_be_closed_and_not_opened(market: Market) -> None:
    user = market.account()
    place(market, user)
    turn(market, REDUCING)

    closing = place(market, user, Side.SELL)
    opening = place(market, user)

    assert market.statuses()[closing] == "filled"
    assert rows(market, f"SELECT status, reason FROM orders WHERE id = {opening}") == [
        ("denied", DenialReason.REDUCING_ONLY)
    ]


def test_a_resting_order_does_not_trade_while_halted(market: Market) -> None:
    user = market.account()
    resting = place(market, user, limit="80.00")
    turn(market, HALTED)

    market.quote(market.symbols[0], "79.00", "79.50")
    market.application.trading.matching.run()

    assert market.statuses()[resting] == "working"
    assert rows(market, "SELECT count(*) FROM fills") == [(0,)]


def test_the_answer_says_when_an_older_claim_is_still_open(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silent_sessions, "SILENT_SECONDS", 3600.0)
    user = market.account()
    (accepted,) = market.accept(user, market.request())

    with market.application.orders.units.begin() as unit:
        unit.claim([accepted.order_id], 10)
        assert not turn(market, HALTED)
    assert turn(market, HALTED)


def test_the_claim_of_a_stopped_process_does_not_hold_up_the_switch(market: Market) -> None:
    user = market.account()
    (accepted,) = market.accept(user, market.request())

    def claim_and_stop() -> None:
        with market.application.orders.units.begin() as unit:
            unit.claim([accepted.order_id], 10)
            assert turn(market, HALTED)
            unit.commit()

    with pytest.raises(OperationalError):
        claim_and_stop()

    assert rows(market, "SELECT status, reason FROM orders") == [("received", None)]


def waits_for_a_lock(market: Market) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return rows(market, query) == [(1,)]


def test_a_batch_that_waits_for_its_account_does_not_hold_up_the_switch(market: Market) -> None:
    user = market.account()
    (accepted,) = market.accept(user, market.request())

    with ThreadPoolExecutor(1) as pool:
        with market.application.base.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE users SET cash = cash WHERE id = {user}")
            batch = pool.submit(market.application.trading.execution.run, [accepted.order_id])
            wait_until(lambda: waits_for_a_lock(market))
            settled = turn(market, HALTED)
        batch.result()

    assert settled
    assert rows(market, "SELECT status, reason FROM orders") == [
        ("denied", DenialReason.TRADING_HALTED)
    ]
    assert rows(market, "SELECT count(*) FROM fills") == [(0,)]
    market.assert_invariants()


def test_once_the_answer_says_settled_no_fill_is_ever_committed(market: Market) -> None:
    user = market.account(cash="900000000")
    order_ids = [a.order_id for _ in range(40) for a in market.accept(user, market.request())]
    begun = Event()

    def decide(start: int) -> None:
        market.application.trading.execution.run_exactly(order_ids[start : start + 2])
        begun.set()

    with ThreadPoolExecutor(3) as pool:
        batches = [pool.submit(decide, start) for start in range(0, len(order_ids), 2)]
        begun.wait(120)
        # On a busy machine a batch may be open for longer than an answer waits.
        assert any(turn(market, HALTED) for _ in range(5))
        filled = rows(market, "SELECT count(*) FROM fills")
        for batch in batches:
            batch.result()

    assert rows(market, "SELECT count(*) FROM fills") == filled
    assert set(market.statuses().values()) == {"filled", "denied"}
    market.assert_invariants()


def test_an_answer_of_a_slow_venue_is_not_taken_while_halted(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with application_on(environ, paper_latency_ms="1") as application:
        market = Market.open(application)
        (accepted,) = market.accept(market.account(), market.request())
        monkeypatch.setattr(application.orders.venue, "_sleep", lambda _: turn(market, HALTED))

        application.trading.execution.run([accepted.order_id])

        assert rows(market, "SELECT status, reason, reserved FROM orders") == [
            ("canceled", CancelReason.KILL_SWITCH, 0)
        ]
        assert rows(market, "SELECT count(*) FROM fills") == [(0,)]
        market.assert_invariants()


def test_an_emergency_order_that_closes_passes_a_halt(market: Market) -> None:
    user = market.account()
    place(market, user)
    turn(market, HALTED)
    (accepted,) = market.accept(user, market.request(Side.SELL, priority=Priority.EMERGENCY))

    market.application.trading.execution.run([accepted.order_id])

    assert market.statuses()[accepted.order_id] == "filled"


def test_an_unknown_underlying_is_refused_and_nothing_is_set(market: Market) -> None:
    with pytest.raises(UnknownContract):
        turn(market, HALTED, (ControlScope.UNDERLYING, "NIFTTY"))

    assert market.application.controls.states.all() == []
    assert rows(market, "SELECT count(*) FROM audit_entries") == [(0,)]


def test_a_reason_has_a_bounded_length(market: Market) -> None:
    with pytest.raises(InvalidInput, match="at most 200 characters, was 201"):
        market.application.controls.trading_controls.turn(
            *SYSTEM, HALTED, actor="test", reason="x" * 201
        )

    assert market.application.controls.states.all() == []


def test_a_poison_order_does_not_keep_the_others_in_the_market(market: Market) -> None:
    user = market.account()
    first, poison, last = (place(market, user, limit="80.00") for _ in range(3))
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(f"""
            CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN RAISE EXCEPTION ''this one breaks''; END';
            CREATE TRIGGER break BEFORE UPDATE ON orders FOR EACH ROW
                WHEN (OLD.id = {poison}) EXECUTE FUNCTION break();
        """)
    turn(market, HALTED)

    assert market.application.controls.enforcement.run() == 2

    statuses = market.statuses()
    assert (statuses[first], statuses[poison], statuses[last]) == (
        "canceled",
        "working",
        "canceled",
    )
    assert market.application.controls.enforcement.is_due()


def test_the_strictest_state_of_each_scope_can_be_measured(market: Market) -> None:
    user = market.account()
    turn(market, REDUCING, (ControlScope.USER, str(user)))
    turn(market, HALTED)
    turn(market, ACTIVE)

    assert market.application.controls.states.strictest() == {
        "system": 0,
        "user": 1,
        "underlying": 0,
    }
