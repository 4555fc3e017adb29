"""Orders that were stored before are known again by their account, their ids and their content."""

from __future__ import annotations

import pytest

from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import OrderRequest, OrderStatus, Side
from angel_x.services.intake.acceptance import Accepted, Submission
from tests.builders.reception import Reception, order, orders


def submission(user_id: int, *requests: OrderRequest) -> Submission:
    return Submission(user_id, requests)


def test_what_was_never_stored_is_not_known() -> None:
    reception = Reception()

    assert reception.acceptance.known([submission(7, order())]) == [None]
    assert reception.meter.added == []
    assert reception.stored == {}


def test_what_was_stored_before_is_known_with_its_status_of_now() -> None:
    reception = Reception()
    reception.accept(7, *orders("ab"))
    reception.intake.become(2, OrderStatus.FILLED)
    reception.meter.added.clear()

    new, known = reception.acceptance.known(
        [submission(7, order("new")), submission(7, *orders("ab"))]
    )

    assert new is None
    assert known == (
        Accepted(1, "a", OrderStatus.RECEIVED, replayed=True),
        Accepted(2, "b", OrderStatus.FILLED, replayed=True),
    )
    assert reception.meter.added == [(Metric.IDEMPOTENT_REPLAYS, 2, {})]
    assert len(reception.rung) == 1


@pytest.mark.parametrize(
    "sent",
    [
        (order("a", Side.SELL),),
        (order("a"), order("new")),
        (order("new"), order("a")),
        (order("a"), order("b", quantity=66)),
    ],
    ids=["other content", "one more", "one more before", "one of two differs"],
)
def test_a_known_id_is_no_receipt_for_anything_else(sent: tuple[OrderRequest, ...]) -> None:
    reception = Reception()
    reception.accept(7, *orders("ab"))

    assert reception.acceptance.known([submission(7, *sent)]) == [None]
    assert sorted(reception.stored) == [(7, "a"), (7, "b")]
    assert reception.counted(Metric.IDEMPOTENT_REPLAYS) == []


def test_the_order_of_another_account_is_no_receipt() -> None:
    reception = Reception()
    reception.accept(1, order("a"))

    assert reception.acceptance.known([submission(2, order("a"))]) == [None]
