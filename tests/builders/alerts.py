"""Events that alerts tell of, and the end of waits for their senders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.builders.stored import A, insert, insert_order

if TYPE_CHECKING:
    from sqlalchemy import Engine


def forget_pace(engine: Engine) -> None:
    """Let every waiting notice be due, and every target be free."""
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alert_targets SET next_at = '-infinity'")
        connection.exec_driver_sql(
            "UPDATE alert_notices SET due_at = '-infinity' WHERE status = 'waiting'"
        )


def fill(engine: Engine, name: str, user_id: int = 1) -> None:
    order = insert_order(engine, user_id, name)
    insert(
        engine, "fills", execution_id=name, order_id=order, user_id=user_id, symbol=A, side="BUY",
        quantity=650, price="41.50",
    )  # fmt: skip


def deny(engine: Engine, name: str, user_id: int = 1) -> None:
    order = insert_order(engine, user_id, name)
    insert(engine, "order_events", order_id=order, status="denied", actor="test", reason="NO_QUOTE")
