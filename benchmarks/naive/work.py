"""The naive backend's worker: ``celery -A benchmarks.naive.work worker``."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

from celery import Celery
from sqlalchemy import Engine, Row, create_engine, text
from sqlalchemy.orm import Session

app = Celery("naive", broker=os.environ["NAIVE_BROKER_URL"], set_as_current=False)
app.conf.update(task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=1)
_engines: dict[int, Engine] = {}


def session() -> Session:
    """Return a session on this process's engine."""
    pid = os.getpid()
    if pid not in _engines:
        _engines[pid] = create_engine(os.environ["NAIVE_DATABASE_URL"], pool_size=20)
    return Session(_engines[pid])


def forget() -> None:
    """Close the connections of this process; the next session reads the environment again."""
    if engine := _engines.pop(os.getpid(), None):
        engine.dispose()


@app.task(name="naive.execute", shared=False)
def execute(order_id: int) -> None:
    """Fill one order at a price, and book it."""
    with session() as s:
        order = s.execute(
            text(
                "SELECT user_id, symbol, side, quantity FROM orders WHERE id = :id FOR NO KEY UPDATE"
            ),
            {"id": order_id},
        ).one()
        account = s.execute(
            text("SELECT cash, margin_used FROM users WHERE id = :id FOR NO KEY UPDATE"),
            {"id": order.user_id},
        ).one()
        price, sign = Decimal("100.00"), 1 if order.side == "BUY" else -1
        premium, charges = sign * price * order.quantity, Decimal("26.00")
        if account.cash - account.margin_used < premium + charges:
            raise ValueError("insufficient funds")
        _book(s, order_id, order, price, premium, charges)
        s.commit()


def _book(
    s: Session, order_id: int, order: Row[Any], price: Decimal, premium: Decimal, charges: Decimal
) -> None:
    values = {
        "id": order_id,
        "user": order.user_id,
        "symbol": order.symbol,
        "side": order.side,
        "quantity": order.quantity,
        "signed": order.quantity if order.side == "BUY" else -order.quantity,
        "price": price,
        "premium": premium,
        "charges": charges,
        "cash": -premium - charges,
    }
    for statement in _STATEMENTS:
        s.execute(text(statement), values)


_STATEMENTS = (
    "UPDATE orders SET status = 'filled', filled_quantity = quantity, average_price = :price, "
    "updated_at = clock_timestamp(), closed_at = clock_timestamp() WHERE id = :id",
    "INSERT INTO order_events (order_id, status, actor) VALUES (:id, 'filled', 'naive')",
    "INSERT INTO fills (execution_id, order_id, user_id, symbol, side, quantity, price) "
    "VALUES ('naive-' || :id, :id, :user, :symbol, :side, :quantity, :price)",
    "INSERT INTO ledger_entries (user_id, order_id, account, amount) VALUES (:user, :id, 'cash', :cash)",
    "INSERT INTO ledger_entries (user_id, order_id, account, amount) VALUES (:user, :id, 'position', :premium)",
    "INSERT INTO ledger_entries (user_id, order_id, account, amount) VALUES (:user, :id, 'charges', :charges)",
    "INSERT INTO exposures (user_id, symbol, net_quantity) VALUES (:user, :symbol, :signed) "
    "ON CONFLICT (user_id, symbol) DO UPDATE SET net_quantity = exposures.net_quantity + :signed",
    "UPDATE users SET cash = cash + :cash WHERE id = :user",
)
