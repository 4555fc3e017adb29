"""The trading states as rows, and the open orders that they concern, on a real database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.book_unit import CONTROLS_LOCK
from angel_x.adapters.postgres.controls import PostgresControls
from angel_x.domain.book.account import Exposure
from angel_x.domain.book.control import ControlledOrder, ControlScope
from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.order import OPEN, OrderStatus, Priority, Side
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.chains import make_universe
from tests.builders.locks import is_connected, silent_holder, working_holder
from tests.builders.stored_orders import StoredOrder, store_orders
from tests.integration.api.running import wait_until

#: As everybody does who decides orders.
DECIDES = f"SELECT pg_advisory_xact_lock_shared({CONTROLS_LOCK})"
HALTED, REDUCING, ACTIVE = TradingState.HALTED, TradingState.REDUCING, TradingState.ACTIVE
SYSTEM, USER, UNDERLYING = ControlScope.SYSTEM, ControlScope.USER, ControlScope.UNDERLYING
UNIVERSE = make_universe(("BANKNIFTY", "NIFTY"), (date(2026, 8, 25),), (24_000,))
BANK, NIFTY = (
    next(c.symbol for c in UNIVERSE.contracts if c.underlying == name)
    for name in UNIVERSE.underlyings
)
OTHER = next(s for s in UNIVERSE.symbols if s.startswith("NIFTY") and s != NIFTY)


@pytest.fixture
def controls(engine: Engine) -> PostgresControls:
    list_contracts(engine, UNIVERSE)
    assert open_accounts(engine, 2) == [1, 2]
    return PostgresControls(engine)


def turn(controls: PostgresControls, scope: ControlScope, name: str, state: TradingState) -> None:
    controls.put(scope, name, state, actor="test", reason=None)


def forbidden(controls: PostgresControls, ids: dict[str, int]) -> set[str]:
    shown = controls.controlled(controls.controlled_ids())
    found = {order.id for order in shown if not order.may_stand}
    assert found <= set(ids.values())
    return {name for name, order_id in ids.items() if order_id in found}


def expose(
    engine: Engine, user_id: int, symbol: str, held: int, sells: int = 0, buys: int = 0
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO exposures (user_id, symbol, net_quantity, open_sell_quantity, "
            "open_buy_quantity) VALUES (%s, %s, %s, %s, %s)",
            (user_id, symbol, held, sells, buys),
        )


def offer(engine: Engine) -> None:
    """Let the exposures say what the placed orders offer; nothing is held."""
    with engine.begin() as connection:
        connection.exec_driver_sql("""
            INSERT INTO exposures (user_id, symbol, open_sell_quantity, open_buy_quantity)
            SELECT user_id, symbol, coalesce(sum(quantity) FILTER (WHERE side = 'SELL'), 0),
                coalesce(sum(quantity) FILTER (WHERE side = 'BUY'), 0)
            FROM orders WHERE status <> 'received' GROUP BY user_id, symbol
        """)


def four_orders(engine: Engine) -> dict[str, int]:
    """Store one order of either account in either underlying."""
    places = [(user, symbol) for user in (1, 2) for symbol in (NIFTY, BANK)]
    orders = {f"{u} {s.partition('_')[0]}": StoredOrder(user_id=u, symbol=s) for u, s in places}
    ids = store_orders(engine, orders)
    offer(engine)
    return ids


@pytest.mark.parametrize(
    ("scope", "name", "expected"),
    [
        (SYSTEM, "", {"1 NIFTY", "1 BANKNIFTY", "2 NIFTY", "2 BANKNIFTY"}),
        (USER, "1", {"1 NIFTY", "1 BANKNIFTY"}),
        (UNDERLYING, "NIFTY", {"1 NIFTY", "2 NIFTY"}),
        (UNDERLYING, "BANKNIFTY", {"1 BANKNIFTY", "2 BANKNIFTY"}),
        # A name means something only within its scope.
        (USER, "NIFTY", set()),
        (UNDERLYING, "1", set()),
    ],
)
@pytest.mark.parametrize("state", [HALTED, REDUCING])
def test_a_state_forbids_the_orders_of_its_scope_and_no_others(
    engine: Engine,
    controls: PostgresControls,
    scope: ControlScope,
    name: str,
    expected: set[str],
    state: TradingState,
) -> None:
    ids = four_orders(engine)
    assert forbidden(controls, ids) == set()

    turn(controls, scope, name, state)
    assert forbidden(controls, ids) == expected

    turn(controls, scope, name, ACTIVE)
    assert forbidden(controls, ids) == set()


def test_an_active_state_beside_a_halt_does_not_lift_it(
    engine: Engine, controls: PostgresControls
) -> None:
    ids = four_orders(engine)
    turn(controls, UNDERLYING, "NIFTY", HALTED)
    turn(controls, SYSTEM, "", ACTIVE)
    turn(controls, USER, "2", ACTIVE)

    assert forbidden(controls, ids) == {"1 NIFTY", "2 NIFTY"}


def test_a_halt_forbids_every_open_order_and_no_closed_one(
    engine: Engine, controls: PostgresControls
) -> None:
    orders = {s.value: StoredOrder(user_id=1, symbol=NIFTY, status=s) for s in OrderStatus}
    ids = store_orders(engine, orders)
    turn(controls, UNDERLYING, "NIFTY", HALTED)

    # Its venue was asked already.
    leaving = {OrderStatus.PENDING_CANCEL}
    assert forbidden(controls, ids) == {status.value for status in OPEN - leaving}


@pytest.mark.parametrize("state", [HALTED, REDUCING])
def test_of_a_sliced_order_the_slices_are_forbidden_and_a_held_leg_like_any_order(
    engine: Engine, controls: PostgresControls, state: TradingState
) -> None:
    plain = StoredOrder(user_id=1, symbol=NIFTY)
    received = replace(plain, status=OrderStatus.RECEIVED)
    ids = store_orders(engine, {"parent": replace(plain, held=True, slices=2)})
    slices = {f"slice {n}": replace(plain, parent_id=ids["parent"]) for n in (1, 2)}
    ids |= store_orders(engine, slices | {"leg": replace(received, held=True)})
    offer(engine)
    turn(controls, SYSTEM, "", state)

    waiting = {"leg"} if state is HALTED else set()
    assert forbidden(controls, ids) == {"slice 1", "slice 2"} | waiting


@pytest.mark.parametrize("state", [HALTED, REDUCING])
def test_an_order_of_a_square_off_is_never_forbidden(
    engine: Engine, controls: PostgresControls, state: TradingState
) -> None:
    orders = {
        name: StoredOrder(user_id=1, symbol=NIFTY, name=name)
        for name in ("square-off 7 1", "square-offer", "my square-off 7 1")
    }
    ids = store_orders(engine, orders)
    offer(engine)
    turn(controls, SYSTEM, "", state)

    assert forbidden(controls, ids) == {"square-offer", "my square-off 7 1"}


@pytest.mark.parametrize("status", sorted(OPEN))
def test_while_reducing_only_orders_in_the_market_are_forbidden(
    engine: Engine, controls: PostgresControls, status: OrderStatus
) -> None:
    ids = store_orders(engine, {"it": StoredOrder(user_id=1, symbol=NIFTY, status=status)})
    offer(engine)
    turn(controls, SYSTEM, "", REDUCING)

    assert forbidden(controls, ids) == (
        set() if status in {OrderStatus.RECEIVED, OrderStatus.PENDING_CANCEL} else {"it"}
    )


@pytest.mark.parametrize(
    ("side", "held", "sells", "buys", "is_forbidden"),
    [
        ("SELL", 65, 65, 0, False),
        ("SELL", 64, 65, 0, True),
        ("SELL", 65, 66, 0, True),
        ("SELL", 65, 65, 500, False),
        ("SELL", -65, 65, 0, True),
        ("BUY", -65, 0, 65, False),
        ("BUY", -64, 0, 65, True),
        ("BUY", -65, 0, 66, True),
        ("BUY", -65, 500, 65, False),
        ("BUY", 65, 0, 65, True),
    ],
)
def test_while_reducing_an_order_stands_whose_side_is_covered_by_the_position(
    engine: Engine,
    controls: PostgresControls,
    side: str,
    held: int,
    sells: int,
    buys: int,
    *,
    is_forbidden: bool,
) -> None:
    ids = store_orders(engine, {"it": StoredOrder(user_id=1, symbol=NIFTY, side=side)})
    expose(engine, 1, NIFTY, held, sells, buys)
    # What another account, or this one in another contract, holds says nothing.
    expose(engine, 2, NIFTY, -held * 9)
    expose(engine, 1, OTHER, -held * 9)
    turn(controls, SYSTEM, "", REDUCING)

    assert forbidden(controls, ids) == ({"it"} if is_forbidden else set())
    turn(controls, UNDERLYING, "NIFTY", HALTED)
    assert forbidden(controls, ids) == {"it"}
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET priority = 'emergency'")
    assert forbidden(controls, ids) == ({"it"} if is_forbidden else set())


def test_an_order_is_shown_with_all_that_its_standing_depends_on(
    engine: Engine, controls: PostgresControls
) -> None:
    stored = StoredOrder(
        user_id=1,
        symbol=NIFTY,
        side="SELL",
        status=OrderStatus.PARTIALLY_FILLED,
        quantity=130,
        filled=65,
        priority="emergency",
        name="square-off 7 1",
    )
    ids = store_orders(engine, {"it": stored})
    expose(engine, 1, NIFTY, 195, 65, 130)
    turn(controls, SYSTEM, "", REDUCING)
    turn(controls, USER, "1", HALTED)

    assert controls.controlled([ids["it"]]) == [
        ControlledOrder(
            id=ids["it"],
            side=Side.SELL,
            leaves_quantity=65,
            priority=Priority.EMERGENCY,
            status=OrderStatus.PARTIALLY_FILLED,
            is_exit=True,
            state=HALTED,
            exposure=Exposure(1, NIFTY, 195, 130, 65),
        )
    ]


def test_the_newest_orders_come_first_and_a_page_leaves_out_what_is_closed_by_then(
    engine: Engine, controls: PostgresControls
) -> None:
    ids = store_orders(engine, {str(n): StoredOrder(user_id=1, symbol=NIFTY) for n in range(5)})
    with engine.begin() as connection:
        # The newest is not the last one in the table.
        connection.exec_driver_sql("UPDATE orders SET tag = 'moved' WHERE id = %s", (ids["0"],))
    turn(controls, SYSTEM, "", HALTED)
    newest = sorted(ids.values(), reverse=True)

    assert controls.controlled_ids() == newest
    assert [order.id for order in controls.controlled(newest[1:4])] == newest[1:4]

    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE orders SET status = 'canceled', reason = 'REQUESTED', closed_at = now() "
            "WHERE id = %s",
            (newest[2],),
        )
    assert [order.id for order in controls.controlled(newest[1:4])] == [newest[1], newest[3]]


def test_no_order_is_shown_while_no_state_is_in_force(
    engine: Engine, controls: PostgresControls
) -> None:
    ids = store_orders(engine, {"it": StoredOrder(user_id=1, symbol=NIFTY)})
    turn(controls, SYSTEM, "", ACTIVE)

    assert controls.controlled_ids() == []
    assert controls.controlled([ids["it"]]) == []


def audited(engine: Engine) -> list[tuple[str, str, str]]:
    query = "SELECT subject, detail->>'before', detail->>'state' FROM audit_entries ORDER BY id"
    with engine.connect() as connection:
        return [(s, before, state) for s, before, state in connection.exec_driver_sql(query)]


def test_of_two_that_turn_at_once_the_second_audits_the_state_of_the_first(
    engine: Engine, controls: PostgresControls
) -> None:
    states = [HALTED, REDUCING] * 8

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda state: turn(controls, SYSTEM, "", state), states))

    told = audited(engine)
    assert [before for _, before, _ in told] == ["active", *(after for _, _, after in told[:-1])]


def test_the_strictest_state_of_a_scope_is_measured_over_all_its_names(
    controls: PostgresControls,
) -> None:
    turn(controls, USER, "1", ACTIVE)
    turn(controls, USER, "2", REDUCING)
    turn(controls, UNDERLYING, "NIFTY", HALTED)
    turn(controls, UNDERLYING, "BANKNIFTY", ACTIVE)

    assert controls.strictest() == {"system": 0, "user": 1, "underlying": 2}


def test_an_outage_is_not_taken_for_a_transaction_that_is_still_open(
    engine: Engine, controls: PostgresControls
) -> None:
    with working_holder(engine, DECIDES), ThreadPoolExecutor(1) as pool:
        waits = pool.submit(controls.settle, 600.0)
        wait_until(lambda: has_ended_the_waiting(engine))
        with pytest.raises(OperationalError):
            waits.result()


def test_a_state_is_settled_over_a_stopped_process_and_not_over_one_that_decides(
    engine: Engine, controls: PostgresControls
) -> None:
    with silent_holder(engine, DECIDES) as stopped:
        assert controls.settle(600.0)
        wait_until(lambda: not is_connected(engine, stopped))
    with working_holder(engine, DECIDES) as deciding:
        assert not controls.settle(1.5)
        assert is_connected(engine, deciding)


def test_a_stopped_process_that_has_read_no_states_is_left_alone(
    engine: Engine, controls: PostgresControls
) -> None:
    other_lock = f"SELECT pg_advisory_xact_lock_shared({CONTROLS_LOCK + 1})"
    with silent_holder(engine, other_lock) as stopped, working_holder(engine, DECIDES):
        assert not controls.settle(1.5)
        assert is_connected(engine, stopped)


def has_ended_the_waiting(engine: Engine) -> bool:
    """End the connection that waits for a lock, once there is one."""
    with engine.connect() as connection:
        ended = connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(ended.fetchall())
