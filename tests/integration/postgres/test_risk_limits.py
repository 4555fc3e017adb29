from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from angel_x.adapters.postgres.risk_limits import PostgresRiskLimits
from angel_x.domain.book.limits import NO_LIMITS, Limits, LimitSheet
from angel_x.errors import InvalidInput
from angel_x.services.controls.risk_limits import RiskLimits


@pytest.fixture
def limits(engine: Engine) -> RiskLimits:
    return RiskLimits(PostgresRiskLimits(engine), lambda ids: {}, dict, holds_rate=True)


def audit(engine: Engine) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT actor, action, subject, detail FROM audit_entries ORDER BY id"
        )
        return [tuple(row) for row in found]


def test_nothing_is_limited_to_begin_with(limits: RiskLimits) -> None:
    assert limits.sheet(5) == LimitSheet(5, None, own=NO_LIMITS, effective=NO_LIMITS)
    assert limits.rules().is_empty


def test_what_is_set_for_everyone_holds_for_an_account_beside_its_own(limits: RiskLimits) -> None:
    limits.put(None, {"max_order_quantity": 650, "max_daily_loss": "10000.50"}, "ops")
    sheet = limits.put(5, {"max_order_quantity": "1300", "max_open_orders": 3}, "ops")

    assert sheet.own == Limits(max_order_quantity=1300, max_open_orders=3)
    assert sheet.effective == limits.rules().limits(5)
    assert sheet.effective == Limits(
        max_order_quantity=650, max_open_orders=3, max_daily_loss=Decimal("10000.50")
    )
    assert [sheet.user_id for sheet in limits.sheets()] == [None, 5]


def test_every_change_is_audited_with_what_was_there_before(
    engine: Engine, limits: RiskLimits
) -> None:
    limits.put(5, {"max_open_orders": 3, "fat_finger_percent": "12.5"}, "ops")
    limits.put(5, {"max_open_orders": 4}, "cli")
    limits.put(None, {"max_open_orders": 9}, "ops")
    limits.clear(5, ["max_open_orders"], "ops")

    assert audit(engine) == [
        (
            "ops",
            "limit.set",
            "user:5",
            {"kind": "max_open_orders", "value": "3", "before": None},
        ),
        (
            "ops",
            "limit.set",
            "user:5",
            {"kind": "fat_finger_percent", "value": "12.5", "before": None},
        ),
        ("cli", "limit.set", "user:5", {"kind": "max_open_orders", "value": "4", "before": "3"}),
        ("ops", "limit.set", "global", {"kind": "max_open_orders", "value": "9", "before": None}),
        ("ops", "limit.cleared", "user:5", {"kind": "max_open_orders", "before": "4"}),
    ]
    assert limits.sheet(5).own == Limits(fat_finger_percent=Decimal("12.5"))


def test_a_limit_bears_the_name_of_the_actor_who_set_it_last(
    engine: Engine, limits: RiskLimits
) -> None:
    limits.put(5, {"max_open_orders": 3}, "ops")
    limits.put(5, {"max_open_orders": 4}, "cli")

    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT actor, value::int FROM risk_limits").fetchall()
    assert [tuple(row) for row in found] == [("cli", 4)]


def test_a_second_call_changes_and_audits_nothing(engine: Engine, limits: RiskLimits) -> None:
    limits.put(5, {"max_open_orders": 3}, "ops")
    limits.put(5, {"max_open_orders": "3.0"}, "ops")
    limits.clear(5, [], "ops")
    limits.clear(5, [], "ops")

    assert [action for _, action, _, _ in audit(engine)] == ["limit.set", "limit.cleared"]


def test_without_a_kind_everything_of_that_subject_is_cleared_and_of_no_other(
    limits: RiskLimits,
) -> None:
    limits.put(5, {"max_open_orders": 3, "max_daily_loss": 1}, "ops")
    limits.put(6, {"max_open_orders": 3}, "ops")

    assert limits.clear(5, [], "ops").own == NO_LIMITS
    assert limits.sheet(6).own == Limits(max_open_orders=3)


@pytest.mark.parametrize(
    "values", [{}, {"max_everything": 1}, {"max_open_orders": 3, "max_order_quantity": 0}]
)
def test_what_cannot_be_set_leaves_everything_as_it_was(
    engine: Engine, limits: RiskLimits, values: dict[str, object]
) -> None:
    with pytest.raises(InvalidInput):
        limits.put(5, values, "ops")

    assert limits.rules().is_empty
    assert audit(engine) == []


def test_changes_at_once_form_one_line_of_before_and_after(
    engine: Engine, limits: RiskLimits
) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda value: limits.put(5, {"max_open_orders": value}, "ops"), range(1, 21)))

    details = [detail for _, _, _, detail in audit(engine)]
    assert len(details) == 20
    assert [d["before"] for d in details] == [None, *(d["value"] for d in details[:-1])]
    assert details[-1]["value"] == str(limits.sheet(5).own.max_open_orders)


@pytest.mark.parametrize(
    ("scope", "name", "kind", "value"),
    [
        ("user", "bob", "max_open_orders", "5"),
        ("user", "", "max_open_orders", "5"),
        ("user", "05", "max_open_orders", "5"),
        ("global", "5", "max_open_orders", "5"),
        ("global", "", "max_open_orders", "NaN"),
        ("global", "", "max_order_notional", "Infinity"),
        ("global", "", "max_order_notional", "-0.01"),
        ("global", "", "duplicate_window_seconds", "1e11"),
    ],
)
def test_a_limit_that_no_claim_could_read_is_refused_by_the_database(
    engine: Engine, limits: RiskLimits, scope: str, name: str, kind: str, value: str
) -> None:
    row = {"scope": scope, "name": name, "kind": kind, "value": value}
    with engine.begin() as connection, pytest.raises(IntegrityError):
        connection.exec_driver_sql(
            "INSERT INTO risk_limits (scope, name, kind, value, actor) "
            "VALUES (%(scope)s, %(name)s, %(kind)s, %(value)s::numeric, 'psql')",
            row,
        )

    assert limits.rules().is_empty
