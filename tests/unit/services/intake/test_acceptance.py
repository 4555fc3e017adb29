"""What is stored, what is rung for, and what a caller who repeats himself is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import OrderRequest, OrderStatus, Priority, Side
from angel_x.domain.orders.step import Step
from angel_x.errors import IdempotencyConflict, QueueFull
from angel_x.services.intake.acceptance import Accepted, Submission, fingerprint
from tests.builders.reception import LARGEST, LOT, Reception, order, orders

RECEIVED = OrderStatus.RECEIVED
#: The close of the session that runs at MARKET_TIME.
CLOSE = datetime(2026, 8, 19, 10, 10, tzinfo=UTC)
FULL = QueueFull(5000, 5000)


def submission(user_id: int, *requests: OrderRequest) -> Submission:
    return Submission(user_id, requests)


def test_what_is_new_is_stored_under_its_account_with_its_content() -> None:
    reception = Reception()
    first, second = order("a"), order("b", Side.SELL, priority=Priority.LOW)

    accepted = reception.accept(7, first, second)

    assert accepted == (
        Accepted(1, "a", RECEIVED, replayed=False),
        Accepted(2, "b", RECEIVED, replayed=False),
    )
    stored = [(r.order_id, r.user_id, r.request, r.digest) for r in reception.intake.rows]
    assert stored == [
        (1, 7, first, fingerprint(first)),
        (2, 7, second, fingerprint(second)),
    ]


def test_the_order_is_durable_before_it_is_rung_for() -> None:
    reception = Reception()

    reception.accept(7, order("a"))

    assert reception.steps == [
        (Step.ACCEPTANCE_BEGUN, 0, 0),
        (Step.ACCEPTANCE_COMMITTED, 1, 0),
        (Step.ACCEPTANCE_RUNG, 1, 1),
    ]


def test_submissions_share_one_transaction_that_names_who_sent_them() -> None:
    reception = Reception()
    by_message = Submission(2, (order("b"),), "message")

    reception.acceptance.accept([submission(1, order("a")), by_message, by_message])

    assert reception.intake.stores == 1
    assert {row.actor for row in reception.intake.rows} == {"api+message"}


def test_nothing_to_accept_opens_no_transaction() -> None:
    reception = Reception()

    assert reception.acceptance.accept([]) == []
    assert reception.intake.stores == 0


def test_a_failed_transaction_rings_for_nothing() -> None:
    reception = Reception()
    reception.fail_storing(ConnectionError)

    with pytest.raises(ConnectionError):
        reception.accept(7, order())

    assert (reception.stored, reception.rung, reception.meter.added) == ({}, [], [])


def test_the_same_order_again_is_answered_and_neither_stored_nor_rung_for() -> None:
    reception = Reception()
    reception.accept(7, order("a"))
    reception.intake.become(1, OrderStatus.FILLED)

    (again,) = reception.accept(7, order("a"))

    assert again == Accepted(1, "a", OrderStatus.FILLED, replayed=True)
    assert reception.stored == {(7, "a"): 1}
    assert len(reception.rung) == 1
    assert reception.counted(Metric.IDEMPOTENT_REPLAYS) == [(1, {})]
    assert reception.counted(Metric.ORDERS_ACCEPTED) == [(1, {"priority": "normal"})]


def test_of_a_submission_that_is_known_in_part_the_rest_is_rung_for() -> None:
    reception = Reception()
    reception.accept(7, *orders("ab"))

    accepted = reception.accept(7, *orders("abc"))

    assert [a.replayed for a in accepted] == [True, True, False]
    assert reception.rung == [(Priority.NORMAL, (1, 2)), (Priority.NORMAL, (3,))]
    assert reception.counted(Metric.IDEMPOTENT_REPLAYS) == [(2, {})]


def test_where_nothing_is_known_no_replay_is_counted() -> None:
    reception = Reception()

    reception.accept(7, order())

    assert reception.counted(Metric.IDEMPOTENT_REPLAYS) == []


def test_the_id_of_another_account_is_another_order() -> None:
    reception = Reception()
    reception.accept(1, order("a", Side.BUY))

    (accepted,) = reception.accept(2, order("a", Side.SELL))

    assert not accepted.replayed
    assert reception.stored == {(1, "a"): 1, (2, "a"): 2}


def test_one_order_in_two_submissions_of_one_commit_is_rung_for_once() -> None:
    reception = Reception()
    same = submission(7, order("a"))

    first, second = reception.acceptance.accept([same, same])

    assert first == second == (Accepted(1, "a", RECEIVED, replayed=False),)
    assert reception.rung == [(Priority.NORMAL, (1,))]


def test_other_content_under_a_known_id_is_a_conflict_and_stores_nothing() -> None:
    reception = Reception()
    reception.accept(7, order("a"))

    (outcome,) = reception.acceptance.accept([submission(7, order("new"), order("a", Side.SELL))])

    assert isinstance(outcome, IdempotencyConflict)
    assert outcome.client_order_id == "a"
    assert reception.stored == {(7, "a"): 1}
    assert len(reception.rung) == 1


def test_a_conflict_leaves_the_other_submissions_alone() -> None:
    reception = Reception()
    reception.accept(7, order("a"))
    sent = [
        submission(7, order("b")),
        submission(7, order("a", Side.SELL)),
        submission(7, order("c")),
    ]

    before, refused, after = reception.acceptance.accept(sent)

    assert isinstance(refused, IdempotencyConflict)
    ids = {"b": reception.stored[7, "b"], "c": reception.stored[7, "c"]}
    assert before == (Accepted(ids["b"], "b", RECEIVED, replayed=False),)
    assert after == (Accepted(ids["c"], "c", RECEIVED, replayed=False),)
    assert reception.rung[1:] == [(Priority.NORMAL, (ids["b"], ids["c"]))]


def test_of_two_contents_in_one_commit_the_first_is_stored() -> None:
    reception = Reception()
    first, second = order("a", Side.BUY), order("a", Side.SELL)

    outcomes = reception.acceptance.accept([submission(7, first), submission(7, second)])

    assert isinstance(outcomes[0], tuple)
    assert isinstance(outcomes[1], IdempotencyConflict)
    assert [row.request for row in reception.intake.rows] == [first]


def test_two_contents_in_one_submission_are_refused_as_a_whole() -> None:
    reception = Reception()
    sent = submission(7, order("b"), order("a", Side.BUY), order("a", Side.SELL))

    (outcome,) = reception.acceptance.accept([sent])

    assert isinstance(outcome, IdempotencyConflict)
    assert (reception.stored, reception.rung) == ({}, [])


def test_nothing_conflicts_with_a_submission_that_is_itself_refused() -> None:
    reception = Reception()
    reception.accept(7, order("a"))
    refused = submission(7, order("b", Side.BUY), order("a", Side.SELL))
    sound = submission(7, order("b", Side.SELL))

    outcomes = reception.acceptance.accept([refused, sound])

    assert isinstance(outcomes[0], IdempotencyConflict)
    assert isinstance(outcomes[1], tuple)
    assert reception.intake.rows[-1].request == sound.requests[0]


def test_nothing_conflicts_with_a_submission_that_lost_its_id_to_another() -> None:
    reception = Reception()
    sent = [
        submission(7, order("a", Side.BUY)),
        submission(7, order("a", Side.SELL), order("b", Side.BUY)),
        submission(7, order("b", Side.SELL)),
    ]

    first, displaced, third = reception.acceptance.accept(sent)

    assert isinstance(first, tuple)
    assert isinstance(displaced, IdempotencyConflict)
    assert isinstance(third, tuple)
    stored = [row.request for row in reception.intake.rows]
    assert stored == [order("a", Side.BUY), order("b", Side.SELL)]


def test_the_first_conflict_of_a_submission_is_named() -> None:
    reception = Reception()
    reception.accept(7, *orders("ab"))

    (outcome,) = reception.acceptance.accept(
        [submission(7, order("b", Side.SELL), order("a", Side.SELL))]
    )

    assert isinstance(outcome, IdempotencyConflict)
    assert outcome.client_order_id == "b"


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, [1]), (3, [3]), (4, [3, 1]), (6, [3, 3]), (7, [3, 3, 1])]
)
def test_every_order_is_on_one_doorbell_of_at_most_the_batch_size(
    count: int, sizes: list[int]
) -> None:
    reception = Reception(batch_size=3)

    reception.accept(7, *orders("abcdefg"[:count]))

    assert [len(ids) for _, ids in reception.rung] == sizes
    assert [i for _, ids in reception.rung for i in ids] == list(range(1, count + 1))
    assert reception.counted(Metric.ORDERS_ACCEPTED) == [(count, {"priority": "normal"})]


def test_every_lane_is_rung_for_the_most_urgent_first() -> None:
    reception = Reception()
    sent = [order(p.value, priority=p) for p in reversed(Priority)]

    reception.accept(7, *sent)

    assert reception.rung == [
        (priority, (reception.stored[7, priority.value],)) for priority in Priority
    ]
    assert reception.counted(Metric.ORDERS_ACCEPTED) == [
        (1, {"priority": priority.value}) for priority in Priority
    ]


def test_every_submission_of_a_commit_is_rung_for() -> None:
    reception = Reception()
    sent = [submission(user, *orders("ab")) for user in (1, 2, 3)]

    reception.acceptance.accept(sent)

    assert reception.rung == [(Priority.NORMAL, (1, 2, 3, 4, 5, 6))]


def test_the_slices_of_an_order_are_rung_for_and_not_the_order_that_they_make() -> None:
    reception = Reception()

    accepted = reception.accept(7, order("big", quantity=2 * LARGEST + LOT), order("small"))

    assert [a.order_id for a in accepted] == [1, 5]
    assert reception.rung == [(Priority.NORMAL, (2, 3, 4, 5))]
    assert reception.counted(Metric.ORDERS_ACCEPTED) == [(2, {"priority": "normal"})]


def test_the_slices_of_an_order_share_doorbells_of_the_batch_size() -> None:
    reception = Reception(batch_size=2)

    reception.accept(7, order("big", quantity=3 * LARGEST, priority=Priority.HIGH))

    assert reception.rung == [(Priority.HIGH, (2, 3)), (Priority.HIGH, (4,))]


def test_a_message_broker_that_is_away_costs_no_order() -> None:
    reception = Reception()
    reception.dispatcher.is_away = True

    (accepted,) = reception.accept(7, order())

    assert reception.stored == {(7, "a"): accepted.order_id}
