"""The outcome of a submission as plain JSON data."""

from __future__ import annotations

import json

import pytest

from angel_x import errors
from angel_x.domain.orders.order import OrderStatus
from angel_x.entrypoints.presentation.reply import as_data
from angel_x.services.intake.acceptance import Accepted


def test_accepted_orders_are_receipts_in_their_order() -> None:
    outcome = (
        Accepted(2, "b", OrderStatus.FILLED, replayed=True),
        Accepted(1, "a", OrderStatus.RECEIVED, replayed=False),
    )

    assert json.loads(json.dumps(as_data(outcome))) == {
        "orders": [
            {"order_id": "2", "client_order_id": "b", "status": "filled"},
            {"order_id": "1", "client_order_id": "a", "status": "received"},
        ]
    }


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (errors.QueueFull(9, 5), 429, "Queue full"),
        (errors.OrderRateExceeded(5), 429, "Order rate exceeded"),
        (errors.IdempotencyConflict("a"), 409, "Idempotency conflict"),
        (errors.InvalidInput("x"), 400, "Invalid input"),
        (errors.SubmissionAbandoned(10), 503, "Submission abandoned"),
    ],
)
def test_a_refusal_is_its_problem(error: errors.AngelXError, status: int, title: str) -> None:
    found = json.loads(json.dumps(as_data(error)))

    assert (found["status"], found["title"], found["detail"]) == (status, title, str(error))
