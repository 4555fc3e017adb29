"""Several submissions at once: each gets the outcome that is its own."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from angel_x.domain.book.account import Exposure
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import OrderRequest, OrderStatus, Priority, Side
from angel_x.errors import (
    IdempotencyConflict,
    InvalidInput,
    InvalidOrder,
    OrderRateExceeded,
    QueueFull,
)
from angel_x.services.intake.acceptance import Accepted, Submission
from angel_x.services.intake.submissions import Outcome, RawSubmission
from tests.builders.reception import CALL, LOT, Away, Reception, order


def submit(reception: Reception, *sent: Submission | RawSubmission) -> list[Outcome]:
    return reception.submissions.submit(sent)


def submission(user_id: int, *requests: OrderRequest) -> Submission:
    return Submission(user_id, requests)


def accepted(order_id: int, name: str, *, replayed: bool = False) -> tuple[Accepted, ...]:
    return (Accepted(order_id, name, OrderStatus.RECEIVED, replayed=replayed),)


BAD = order("bad", quantity=66)


def test_every_submission_gets_the_outcome_at_its_own_place() -> None:
    reception = Reception()
    reception.accept(1, order("known"))
    sent = [
        submission(1, order("a")),
        submission(1, BAD),
        submission(1, order("b")),
        submission(1, order("known", Side.SELL)),
        submission(1, order("known")),
        submission(2, BAD),
        submission(2, order("a")),
    ]

    outcomes = submit(reception, *sent)

    assert [type(outcome) for outcome in outcomes] == [
        tuple,
        InvalidOrder,
        tuple,
        IdempotencyConflict,
        tuple,
        InvalidOrder,
        tuple,
    ]
    ids = reception.stored
    assert outcomes[0] == accepted(ids[1, "a"], "a")
    assert outcomes[2] == accepted(ids[1, "b"], "b")
    assert outcomes[4] == accepted(ids[1, "known"], "known", replayed=True)
    assert outcomes[6] == accepted(ids[2, "a"], "a")
    assert sorted(ids) == [(1, "a"), (1, "b"), (1, "known"), (2, "a")]


def test_what_is_refused_opens_no_transaction() -> None:
    reception = Reception()
    reception.fail_storing(Away)

    (refused,) = submit(reception, submission(1, BAD))

    assert isinstance(refused, InvalidOrder)
    assert (reception.intake.stores, reception.rung) == (0, [])


def test_what_is_malformed_takes_no_room_from_what_is_not() -> None:
    reception = Reception()
    reception.limits.append(("user", "1", "1"))

    refused, stored, late = submit(
        reception, submission(1, BAD), submission(1, order("a")), submission(1, order("b"))
    )

    assert isinstance(refused, InvalidOrder)
    assert isinstance(stored, tuple)
    assert isinstance(late, OrderRateExceeded)
    assert list(reception.stored) == [(1, "a")]


def test_a_full_queue_turns_away_what_is_new_and_answers_for_what_is_known() -> None:
    reception = Reception(room=1)
    reception.accept(1, order("known"))
    urgent = order("urgent", priority=Priority.EMERGENCY)
    reception.exposures[1, urgent.symbol] = Exposure(1, urgent.symbol, -urgent.quantity)

    new, known, let_in, opening = submit(
        reception,
        submission(1, order("new")),
        submission(1, order("known")),
        submission(1, urgent),
        submission(1, replace(urgent, client_order_id="another")),
    )

    assert isinstance(new, QueueFull)
    assert isinstance(opening, QueueFull)
    assert known == accepted(1, "known", replayed=True)
    assert let_in == accepted(2, "urgent")
    assert list(reception.stored) == [(1, "known"), (1, "urgent")]


def test_invalid_content_under_a_known_id_gets_no_receipt() -> None:
    reception = Reception()
    reception.accept(1, order("a"))

    (outcome,) = submit(reception, submission(1, order("a", quantity=66)))

    assert isinstance(outcome, InvalidOrder)
    assert list(reception.stored) == [(1, "a")]


def test_all_that_is_let_in_shares_one_transaction() -> None:
    reception = Reception()

    submit(reception, *(submission(user, order("a")) for user in range(5)))

    assert reception.intake.stores == 1


def test_an_error_that_is_no_refusal_ends_the_batch() -> None:
    reception = Reception()
    reception.fail_storing(Away)

    with pytest.raises(Away):
        submit(reception, submission(1, order()))


def test_raw_and_read_submissions_travel_together() -> None:
    reception = Reception()
    fields = {"client_order_id": "raw", "symbol": CALL, "side": "BUY", "quantity": LOT}

    raw, unread, read = submit(
        reception,
        RawSubmission(1, fields, "message"),
        RawSubmission(1, fields | {"side": "HOLD", "quantity": 0}, "message"),
        submission(1, order("read")),
    )

    assert (raw, read) == (accepted(1, "raw"), accepted(2, "read"))
    assert isinstance(unread, InvalidOrder)
    assert [(f.index, f.field) for f in unread.faults] == [(0, "quantity"), (0, "side")]
    assert reception.intake.stores == 1
    assert list(reception.stored) == [(1, "raw"), (1, "read")]


@pytest.mark.parametrize("content", [{"orders": 7}, {"orders": []}])
def test_a_raw_submission_without_orders_is_refused(content: dict[str, object]) -> None:
    reception = Reception()

    (outcome,) = submit(reception, RawSubmission(1, content, "message"))

    assert isinstance(outcome, InvalidInput)
    assert (reception.intake.stores, reception.intake.looks, reception.rung) == (0, 0, [])


def test_orders_that_were_stored_are_answered_with_whatever_is_wrong_now() -> None:
    reception = Reception()
    reception.accept(1, order("known"))
    reception.intake.become(1, OrderStatus.FILLED)
    reception.clock.advance(30 * 86_400)

    known, new = submit(reception, submission(1, order("known")), submission(1, order("new")))

    assert known == (Accepted(1, "known", OrderStatus.FILLED, replayed=True),)
    assert isinstance(new, InvalidOrder)
    assert list(reception.stored) == [(1, "known")]
    assert reception.counted(Metric.IDEMPOTENT_REPLAYS) == [(1, {})]
    assert reception.counted(Metric.ORDERS_REFUSED) == [(1, {})]


def test_however_many_are_refused_the_store_is_asked_once() -> None:
    reception = Reception()

    submit(reception, *(submission(user, BAD) for user in range(5)))

    assert (reception.intake.stores, reception.intake.looks) == (0, 1)


def test_nothing_refused_asks_the_store_for_nothing_more() -> None:
    reception = Reception()

    submit(reception, submission(1, order()))

    assert (reception.intake.stores, reception.intake.looks) == (1, 0)


def test_orders_that_are_refused_are_counted_once_whatever_is_wrong_with_them() -> None:
    reception = Reception()
    twice = replace(order("b", quantity=1), limit_price=Decimal("1.03"))

    submit(reception, submission(7, BAD, order("a"), twice))

    assert reception.counted(Metric.ORDERS_REFUSED) == [(2, {})]


def test_orders_that_their_caller_stores_are_let_in_or_refused() -> None:
    reception = Reception(room=1)

    reception.submissions.admit(submission(1, order("a")))
    with pytest.raises(InvalidOrder):
        reception.submissions.admit(submission(1, BAD))
    reception.accept(1, order("b"))

    assert reception.counted(Metric.ORDERS_REFUSED) == [(1, {})]
    assert list(reception.stored) == [(1, "b")]


def test_no_stored_order_lets_orders_in_that_their_caller_stores() -> None:
    reception = Reception()
    reception.limits.append(("user", "1", "1"))
    reception.accept(1, order("a"))
    reception.submissions.admit(submission(1, order("a")))

    with pytest.raises(OrderRateExceeded):
        reception.submissions.admit(submission(1, order("a")))
