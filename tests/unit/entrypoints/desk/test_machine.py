from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from angel_x.domain.operations.alert import Severity
from angel_x.domain.operations.machine import (
    MachineAlert,
    MachineState,
    ProcessMemory,
    QueueStatus,
    RoleStatus,
    ScheduledTask,
)
from angel_x.domain.operations.proof import Proof, ProofKind
from angel_x.domain.operations.timing import Timing
from angel_x.domain.orders.order import OrderStatus, Side
from angel_x.domain.records.audit import AuditEntry, ParkedOrder
from angel_x.entrypoints.desk.views import machine as view
from angel_x.entrypoints.desk.views.operations import (
    AUDIT,
    PARKED,
    REPLAY,
    audit_rows,
    parked_rows,
)
from angel_x.entrypoints.desk.views.table import Row
from angel_x.entrypoints.desk.views.words import NONE, Tone
from tests.fakes.desk_api import NOW

MINUS = "\N{MINUS SIGN}"


def texts(row: Row) -> list[str]:
    return [each if isinstance(each, str) else each[0] for each in row.cells]


def make_state(**changes: Any) -> MachineState:
    state = MachineState(
        read_at=NOW,
        alerts=(),
        queues=(
            QueueStatus("orders.high", 1_200, 3.2, 4.0),
            QueueStatus("greeks", 0, 0.0, None),
        ),
        roles=(
            RoleStatus("orders", 2, ("orders.high", "orders.low"), 121.5),
            RoleStatus("greeks", 0, ("greeks",), None),
        ),
        processes=(
            ProcessMemory(
                process="a/orders-0", pid=7, current_mb=121.5, delta_mb=-0.4, age_seconds=4.0
            ),
        ),
        running={
            "orders@a": {"orders.process_batch": 1},
            "orders@b": {"orders.process_batch": 2},
            "greeks@a": {},
        },
        timings={
            "order_latency high": Timing(10, 5.0, 1.0, 90.0, 4.0, 80.0),
            "order_latency low": Timing(30, 5.0, 1.0, 60.0, 8.0, 50.0),
            "db_query": Timing(7, 1.0, 1.0, 1.0, 1.0, 1.0),
        },
        greeks_age_seconds=2.4,
        marks_age_seconds=None,
        schedule=(
            ScheduledTask(
                name="refresh-greeks",
                task="greeks.refresh",
                last_run_at=NOW,
                next_run_at=NOW + timedelta(seconds=5),
                late_seconds=0.2,
            ),
            ScheduledTask(
                name="lost", task=None, last_run_at=None, next_run_at=None, late_seconds=None
            ),
        ),
        proofs=(Proof(ProofKind.CHANGES, 61.0, 0, None, "orders to 7"),),
        parked_orders=0,
        links={},
        unread=(),
    )
    return replace(state, **changes)


def test_the_figures_of_a_machine_that_is_well() -> None:
    shown = {name: text.text for name, text in view.figures(make_state()).items()}

    assert shown == {
        "alerts": "none",
        "p50": "7.0 ms",
        "p99": "80.0 ms",
        "greeks": "2 s",
        "marks": NONE,
        "parked": "0",
        "proof": "hold",
    }
    assert set(shown) == {name for name, _, _ in view.FIGURES}


def test_trouble_is_told_by_words_and_marks_beside_its_colour() -> None:
    alert = MachineAlert(
        alert="GreeksOld", severity=Severity.CRITICAL, subject="", value=None, limit=20
    )
    state = make_state(
        alerts=(alert,), parked_orders=3, proofs=(Proof(ProofKind.FULL, 1.0, 2, "cash: 7", None),)
    )

    shown = view.figures(state)

    assert (shown["alerts"].text, shown["alerts"].tone) == ("■ 1, 1 critical", Tone.LOSS)
    assert (shown["proof"].text, shown["proof"].tone) == ("■ 2 rows broken", Tone.LOSS)
    assert shown["parked"].tone is Tone.WARNING
    assert [texts(row) for row in view.alert_rows(state)] == [
        ["GreeksOld", "■ critical", NONE, "infinite", "20"]
    ]
    assert texts(view.proof_rows(state)[0])[2:4] == ["2", "cash: 7"]


def test_queues_and_classes_show_depth_age_and_tasks() -> None:
    state = make_state()

    assert [texts(row) for row in view.queue_rows(state)] == [
        ["orders.high", "1,200", "3 s", "4 s ago"],
        ["greeks", "0", NONE, "never"],
    ]
    assert [texts(row) for row in view.class_rows(state)] == [
        ["orders", "2", "121.5", "3 x orders.process_batch", "orders.high, orders.low"],
        ["greeks", "0", NONE, NONE, "greeks"],
    ]
    assert [texts(row) for row in view.process_rows(state)] == [
        ["a/orders-0", "7", "121.5", f"{MINUS}0.4", "4 s ago"]
    ]


def test_entries_of_beat_are_in_time_late_or_lost() -> None:
    late = replace(make_state().schedule[0], late_seconds=90.0)

    rows = view.schedule_rows(make_state(schedule=(*make_state().schedule, late)))

    assert [texts(row)[-1] for row in rows] == ["in time", "lost", "▲ 2 min"]
    assert msgspec.json.encode([row.as_json() for row in rows])


def test_every_row_has_a_cell_for_each_column() -> None:
    state = make_state()
    pairs = (
        (view.QUEUES, view.queue_rows),
        (view.CLASSES, view.class_rows),
        (view.PROCESSES, view.process_rows),
        (view.SCHEDULE, view.schedule_rows),
        (view.PROOFS, view.proof_rows),
        (view.TIMES, view.time_rows),
    )

    widths = {(len(columns), len(row.cells)) for columns, rows in pairs for row in rows(state)}

    assert widths
    assert {columns for columns, _ in widths} == {cells for _, cells in widths}
    assert all(columns == cells for columns, cells in widths)


def test_a_parked_order_shows_its_cause_and_can_be_sent_again_once() -> None:
    order = ParkedOrder(
        order_id="17",
        client_order_id="mine",
        account="asha",
        symbol="NIFTY_25AUG26_24050CE",
        side=Side.BUY,
        quantity=130,
        status=OrderStatus.DENIED,
        parked_at=NOW,
        detail="Traceback:\n  File <b>\nValueError: no price\n",
        replayed_as=None,
    )

    first, second = parked_rows([order, replace(order, replayed_as="18", detail=None)])

    assert len(first.cells) == len(PARKED)
    assert texts(first)[-2:] == ["ValueError: no price", NONE]
    assert first.acts == (REPLAY,)
    assert texts(second)[-2:] == [NONE, "18"]
    assert second.acts == ()


def test_an_audit_entry_shows_its_detail_as_text() -> None:
    entry = AuditEntry(
        id="9",
        at=NOW,
        actor="key:1",
        action="trading_state.set",
        subject="user:demo",
        detail={"state": "halted", "reason": "<i>news</i>", "name": None},
    )

    (row,) = audit_rows([entry])

    assert len(row.cells) == len(AUDIT)
    assert texts(row) == [
        *("25 Aug 10:30:00", "trading_state.set", "user:demo", "key:1"),
        "state halted, reason <i>news</i>",
    ]
