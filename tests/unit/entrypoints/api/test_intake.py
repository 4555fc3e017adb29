"""A commit of several submissions: each gets the outcome that is its own."""

from __future__ import annotations

import pytest

from angel_x.domain.orders.order import OrderRequest, OrderStatus, Priority, Side
from angel_x.entrypoints.api.group_commit import Outcome
from angel_x.entrypoints.api.intake import Intake
from angel_x.errors import IdempotencyConflict, InvalidOrder, OrderRateExceeded, QueueFull
from angel_x.services.intake.acceptance import Accepted, Submission
from tests.builders.reception import Away, Reception, order


def commit(reception: Reception, *sent: Submission) -> list[Outcome]:
    return Intake(reception.acceptance, reception.admission).commit(sent)


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

    outcomes = commit(reception, *sent)

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

    (refused,) = commit(reception, submission(1, BAD))

    assert isinstance(refused, InvalidOrder)
    assert (reception.intake.stores, reception.rung) == (0, [])


def test_what_is_malformed_takes_no_room_from_what_is_not() -> None:
    reception = Reception()
    reception.limits.append(("user", "1", "1"))

    refused, stored, late = commit(
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

    new, known, let_in = commit(
        reception,
        submission(1, order("new")),
        submission(1, order("known")),
        submission(1, urgent),
    )

    assert isinstance(new, QueueFull)
    assert known == accepted(1, "known", replayed=True)
    assert let_in == accepted(2, "urgent")
    assert list(reception.stored) == [(1, "known"), (1, "urgent")]


def test_invalid_content_under_a_known_id_gets_no_receipt() -> None:
    reception = Reception()
    reception.accept(1, order("a"))

    (outcome,) = commit(reception, submission(1, order("a", quantity=66)))

    assert isinstance(outcome, InvalidOrder)
    assert list(reception.stored) == [(1, "a")]


def test_all_that_is_let_in_shares_one_transaction() -> None:
    reception = Reception()

    commit(reception, *(submission(user, order("a")) for user in range(5)))

    assert reception.intake.stores == 1


def test_an_error_that_is_no_refusal_ends_the_commit() -> None:
    reception = Reception()
    reception.fail_storing(Away)

    with pytest.raises(Away):
        commit(reception, submission(1, order()))
