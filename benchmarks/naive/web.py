"""The naive backend's front: ``uvicorn benchmarks.naive.web:app``."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import text

from benchmarks.naive.work import execute, session

app = FastAPI()


class Order(BaseModel):
    """One order."""

    user_id: int
    client_order_id: str
    symbol: str
    side: str
    quantity: int


@app.post("/orders", status_code=202)
def submit(order: Order) -> dict[str, int]:
    """Store the order, commit, send one message."""
    return {"order_id": accept(order)}


@app.post("/orders/batch", status_code=202)
def submit_batch(orders: list[Order]) -> dict[str, list[int]]:
    """Store the orders one after the other, each with its commit and its message."""
    return {"order_ids": [accept(order) for order in orders]}


def accept(order: Order) -> int:
    """Store an order, commit, send one message; return its id."""
    with session() as s:
        order_id = int(
            s.execute(
                text(
                    "INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, "
                    "quantity, order_type, validity, product, priority, ring_at, valid_until) VALUES "
                    "(:user_id, :client_order_id, '', :symbol, :side, :quantity, 'MARKET', 'DAY', "
                    "'NRML', 'normal', now(), now() + interval '1 day') RETURNING id"
                ),
                order.model_dump(),
            ).scalar_one()
        )
        s.execute(
            text(
                "INSERT INTO order_events (order_id, status, actor) VALUES (:id, 'received', 'api')"
            ),
            {"id": order_id},
        )
        s.commit()
    execute.delay(order_id)
    return order_id
