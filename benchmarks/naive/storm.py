"""The naive backend as a careful team runs it, to be put into the same storm as Angel-X.

Orders are idempotent by client order id, Celery has the flags that its documentation recommends for
work that must not be lost, and each order is one transaction.  With ``NAIVE_CHECKS=1`` the task also
looks whether somebody has executed the order before.
"""

from __future__ import annotations

import os
from decimal import Decimal
from uuid import uuid4

from celery import Celery
from fastapi import FastAPI, Response
from pydantic import BaseModel
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

#: As short as a 20 s task limit allows; the default is an hour.
VISIBILITY_TIMEOUT = 30
_PRICE, _CHARGES = Decimal("100.00"), Decimal("26.00")

app = Celery("naive", broker=os.environ["NAIVE_BROKER_URL"], set_as_current=False)
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=20,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_channel_error_retry=True,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_TIMEOUT,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 15,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "health_check_interval": 5,
    },
)
web = FastAPI()
_engines: dict[int, Engine] = {}
_checks = os.environ.get("NAIVE_CHECKS") == "1"


def session() -> Session:
    """Return a session on this process's engine."""
    pid = os.getpid()
    if pid not in _engines:
        _engines[pid] = create_engine(
            os.environ["NAIVE_DATABASE_URL"], pool_size=20, pool_pre_ping=True
        )
    return Session(_engines[pid])


class Order(BaseModel):
    """One order."""

    user: str
    client_order_id: str
    symbol: str
    side: str
    quantity: int


@web.get("/livez")
def livez() -> dict[str, str]:
    """Say that the web server runs."""
    return {"status": "alive"}


@web.post("/orders", status_code=202)
def submit(order: Order, response: Response) -> dict[str, str]:
    """Store the order unless it is known, commit, send one message."""
    with session() as s:
        stored = s.execute(text(_STORE), order.model_dump()).one_or_none()
        if stored is None:
            known = s.execute(text(_KNOWN), order.model_dump()).scalar_one()
            response.status_code = 200
            return {"order_id": known}
        s.commit()
    execute.apply_async((int(stored.id),))
    return {"order_id": stored.id}


@app.task(
    name="naive.execute", shared=False, autoretry_for=(Exception,), retry_backoff=1, max_retries=10
)
def execute(order_id: int) -> None:
    """Fill one order at a price, and book it."""
    with session() as s:
        order = s.execute(text(_LOCK), {"id": order_id}).one()
        if _checks and order.status != "received":
            return
        s.execute(
            text(_FILL),
            {
                "id": order_id,
                "user": order.user_id,
                "symbol": order.symbol,
                "side": order.side,
                "quantity": order.quantity,
                "price": _PRICE,
                # Every call of a venue is an execution of its own.
                "execution": uuid4().hex,
                "cash": (-1 if order.side == "BUY" else 1) * _PRICE * order.quantity - _CHARGES,
            },
        )
        s.commit()


_STORE = """
INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity, order_type,
    validity, product, priority, ring_at, valid_until)
SELECT id, :client_order_id, '', :symbol, :side, :quantity, 'MARKET', 'DAY', 'NRML', 'normal', now(),
    now() + interval '1 day' FROM users WHERE name = :user
ON CONFLICT (user_id, client_order_id) DO NOTHING RETURNING id::text
"""
_KNOWN = """
SELECT o.id::text FROM orders o JOIN users u ON u.id = o.user_id
WHERE u.name = :user AND o.client_order_id = :client_order_id
"""
_LOCK = (
    "SELECT user_id, symbol, side, quantity, status FROM orders WHERE id = :id FOR NO KEY UPDATE"
)
_FILL = """
WITH closed AS (
    UPDATE orders SET status = 'filled', filled_quantity = quantity, average_price = :price,
        traded_value = :price * quantity, updated_at = clock_timestamp(),
        closed_at = clock_timestamp()
    WHERE id = :id AND status = 'received'
), filled AS (
    INSERT INTO fills (execution_id, order_id, user_id, symbol, side, quantity, price)
    VALUES (:execution, :id, :user, :symbol, :side, :quantity, :price)
)
UPDATE users SET cash = cash + :cash WHERE id = :user
"""
