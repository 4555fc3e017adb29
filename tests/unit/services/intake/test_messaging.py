"""Submissions over the message broker: booked to their account, kept track of, never silently lost."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import pytest

from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import OrderStatus, Priority
from angel_x.errors import (
    IdempotencyConflict,
    InvalidInput,
    InvalidOrder,
    OrderRateExceeded,
    QueueFull,
    RefusedBefore,
    SubmissionAbandoned,
)
from angel_x.services.intake.acceptance import Accepted
from angel_x.services.intake.messaging import MAX_ATTEMPTS
from angel_x.services.intake.submissions import Outcome
from tests.builders.message_ids import new_id
from tests.builders.reception import CALL, LOT, Away, Reception

RECEIVED = OrderStatus.RECEIVED


def message(client_order_id: str = "a", **changes: object) -> dict[str, Any]:
    """Return one order as a Celery client sends it."""
    order = {"client_order_id": client_order_id, "symbol": CALL, "side": "BUY", "quantity": LOT}
    return order | changes


def problem(reception: Reception, user_id: int, client_order_id: str = "a") -> Any:
    """Return title, detail and errors of a refusal, None where nothing was refused."""
    kept = reception.refusals.get(user_id, client_order_id)
    if kept is None:
        return None
    found = msgspec.json.decode(msgspec.json.encode(kept))
    del found["message_id"]
    return found


def accepted_of(outcome: Outcome) -> tuple[Accepted, ...]:
    assert isinstance(outcome, tuple), outcome
    return outcome


def assert_nothing_accepted(reception: Reception) -> None:
    assert (reception.stored, reception.rung) == ({}, [])


class Slow(Exception):
    """A task ran out of its time."""


def desk() -> tuple[Reception, int]:
    """Return a reception with an account that is the default and another, and its id."""
    reception = Reception(default_user="default")
    reception.open("default")
    return reception, reception.open("desk")


def test_an_order_is_booked_to_the_account_that_its_message_names() -> None:
    reception, user = desk()

    accepted = reception.messaging.submit(new_id(), message(), "desk")

    assert accepted == (Accepted(1, "a", RECEIVED, replayed=False),)
    assert reception.stored == {(user, "a"): 1}
    assert reception.rung == [(Priority.NORMAL, (1,))]
    assert [row.actor for row in reception.intake.rows] == ["message"]
    assert reception.refusals.refusals == {}


def test_an_order_without_an_account_is_booked_to_the_default() -> None:
    reception, user = desk()

    reception.messaging.submit(new_id(), message())

    assert reception.stored == {(user - 1, "a"): 1}


@pytest.mark.parametrize("default", [None, "default"])
def test_the_message_of_an_unknown_account_is_booked_to_nobody(default: str | None) -> None:
    reception = Reception(default_user=default)
    reception.open("default")

    with pytest.raises(InvalidInput, match="stranger"):
        reception.messaging.submit(new_id(), message(), "stranger")

    assert_nothing_accepted(reception)
    assert reception.refusals.refusals == {}


def test_a_message_without_any_account_is_booked_to_nobody() -> None:
    reception = Reception()
    reception.open("desk")

    with pytest.raises(InvalidInput, match="user is required, was none"):
        reception.messaging.submit(new_id(), message())

    assert_nothing_accepted(reception)


def test_an_account_without_a_name_is_not_the_default_one() -> None:
    reception, _ = desk()

    with pytest.raises(InvalidInput):
        reception.messaging.submit(new_id(), message(), "")

    assert_nothing_accepted(reception)


def test_the_same_message_again_stores_nothing() -> None:
    reception, user = desk()
    reception.messaging.submit(new_id(), message(), "desk")

    (again,) = accepted_of(reception.messaging.submit(new_id(), message(), "desk"))

    assert again.replayed
    assert reception.stored == {(user, "a"): 1}
    assert len(reception.rung) == 1
    assert reception.refusals.refusals == {}


def test_a_message_that_cannot_be_read_leaves_its_faults_under_every_id_it_names() -> None:
    reception, user = desk()
    orders = [message("a"), message("b", quantity=0, side="HOLD"), 7, {"client_order_id": 8}]

    assert isinstance(
        reception.messaging.submit(new_id(), {"orders": orders}, "desk"), InvalidOrder
    )

    found = problem(reception, user, "a")
    assert found == problem(reception, user, "b")
    assert found["title"] == "InvalidOrder"
    assert found["errors"][:2] == [
        {
            "index": 1,
            "field": "quantity",
            "value": "0",
            "detail": "expected `int` >= 1",
        },
        {"index": 1, "field": "side", "value": "HOLD", "detail": "invalid enum value 'HOLD'"},
    ]
    assert found["detail"].startswith("orders[1].quantity expected")
    assert set(reception.refusals.refusals) == {(user, "a"), (user, "b")}
    assert_nothing_accepted(reception)


def test_what_does_not_fit_its_contract_is_refused_and_the_account_can_read_why() -> None:
    reception, user = desk()

    assert isinstance(
        reception.messaging.submit(new_id(), message(quantity=66), "desk"), InvalidOrder
    )

    assert problem(reception, user) == {
        "title": "InvalidOrder",
        "detail": "orders[0].quantity must be a multiple of the lot size 65",
        "errors": [
            {
                "index": 0,
                "field": "quantity",
                "value": "66",
                "detail": "must be a multiple of the lot size 65",
            }
        ],
    }
    assert reception.counted(Metric.ORDERS_REFUSED) == [(1, {})]
    assert_nothing_accepted(reception)


@pytest.mark.parametrize("content", [{"orders": 7}, {"orders": []}, {"orders": "a"}])
def test_a_message_that_names_no_order_is_refused_under_no_id(content: dict[str, Any]) -> None:
    reception, _ = desk()

    assert isinstance(reception.messaging.submit(new_id(), content, "desk"), InvalidInput)

    assert reception.refusals.refusals == {}
    assert_nothing_accepted(reception)


def test_a_refusal_that_concerns_no_field_names_no_error() -> None:
    reception, user = desk()
    reception.messaging.submit(new_id(), message(), "desk")

    assert isinstance(
        reception.messaging.submit(new_id(), message(side="SELL"), "desk"), IdempotencyConflict
    )

    assert problem(reception, user) == {
        "title": "IdempotencyConflict",
        "detail": "an order of other content has this client_order_id: a",
        "errors": [],
    }
    assert reception.stored == {(user, "a"): 1}


@pytest.mark.parametrize("change", [{"quantity": 66}, {"side": "SELL", "quantity": 66}])
def test_invalid_content_under_a_known_id_gets_no_receipt(change: dict[str, Any]) -> None:
    reception, user = desk()
    reception.messaging.submit(new_id(), message(), "desk")

    assert isinstance(reception.messaging.submit(new_id(), message(**change), "desk"), InvalidOrder)

    assert problem(reception, user)["title"] == "InvalidOrder"
    assert reception.stored == {(user, "a"): 1}


def test_what_was_accepted_stays_accepted_after_its_contract_has_expired() -> None:
    reception, user = desk()
    reception.messaging.submit(new_id(), message(), "desk")
    reception.clock.advance(30 * 86_400)

    (again,) = accepted_of(reception.messaging.submit(new_id(), message(), "desk"))

    assert again == Accepted(1, "a", RECEIVED, replayed=True)
    assert problem(reception, user) is None


def test_a_full_queue_refuses_a_new_order_and_answers_for_a_known_one() -> None:
    reception = Reception(room=1)
    user = reception.open("desk")
    reception.messaging.submit(new_id(), message("a"), "desk")

    assert isinstance(reception.messaging.submit(new_id(), message("b"), "desk"), QueueFull)
    (known,) = accepted_of(reception.messaging.submit(new_id(), message("a"), "desk"))

    assert problem(reception, user, "b")["title"] == "QueueFull"
    assert known.replayed
    assert problem(reception, user, "a") is None
    assert reception.stored == {(user, "a"): 1}


def test_orders_beyond_the_rate_of_their_account_are_refused_and_not_put_off() -> None:
    reception = Reception()
    user = reception.open("desk")
    reception.limits.append(("user", str(user), "1"))
    reception.messaging.submit(new_id(), message("a"), "desk")

    assert isinstance(reception.messaging.submit(new_id(), message("b"), "desk"), OrderRateExceeded)

    assert problem(reception, user, "b")["title"] == "OrderRateExceeded"
    assert reception.stored == {(user, "a"): 1}


def test_a_message_that_comes_back_is_accepted_for_its_account() -> None:
    reception, user = desk()

    accepted = reception.messaging.resubmit("m1", message(), "desk")

    assert accepted == (Accepted(1, "a", RECEIVED, replayed=False),)
    assert reception.stored == {(user, "a"): 1}
    assert reception.redeliveries.attempts == {"m1": 1}


def test_a_message_is_given_up_after_ten_attempts_and_its_account_can_read_why() -> None:
    reception, user = desk()
    reception.fail_storing(Slow)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        with pytest.raises(Slow):
            reception.messaging.resubmit("m1", message(), "desk")
        assert reception.redeliveries.attempts == {"m1": attempt}
        assert problem(reception, user) is None

    assert isinstance(reception.messaging.resubmit("m1", message(), "desk"), SubmissionAbandoned)

    assert MAX_ATTEMPTS == 10
    assert problem(reception, user) == {
        "title": "SubmissionAbandoned",
        "detail": "no attempt to accept the message came to an end, there were 10",
        "errors": [],
    }
    assert reception.intake.stores == MAX_ATTEMPTS
    assert_nothing_accepted(reception)


def test_an_attempt_during_an_outage_does_not_count() -> None:
    reception, user = desk()
    reception.fail_storing(Away)
    for _ in range(3 * MAX_ATTEMPTS):
        with pytest.raises(Away):
            reception.messaging.resubmit("m1", message(), "desk")

    reception.intake.failure = None
    reception.messaging.resubmit("m1", message(), "desk")

    assert reception.stored == {(user, "a"): 1}
    assert problem(reception, user) is None


def test_one_message_is_not_given_up_for_another() -> None:
    reception, _ = desk()
    reception.redeliveries.attempts["m1"] = MAX_ATTEMPTS

    assert isinstance(reception.messaging.resubmit("m1", message("a"), "desk"), SubmissionAbandoned)
    assert len(accepted_of(reception.messaging.resubmit("m2", message("b"), "desk"))) == 1


@pytest.mark.parametrize("redelivered", [False, True])
def test_the_refusal_of_a_message_is_final_also_where_a_later_delivery_finds_room(
    *, redelivered: bool
) -> None:
    full, (later, user) = Reception(room=1), desk()
    full.open("default")
    full.open("desk")
    full.messaging.submit(new_id(), message("first"), "desk")
    refused = full.messaging.submit("m1", message(), "desk")
    assert isinstance(refused, QueueFull)
    later.refusals.messages |= full.refusals.messages
    messaging = later.messaging

    again = (messaging.resubmit if redelivered else messaging.submit)("m1", message(), "desk")

    assert isinstance(again, RefusedBefore)
    assert (again.name, str(again), again.faults) == ("QueueFull", str(refused), ())
    assert_nothing_accepted(later)

    accepted_of(messaging.submit("m2", message(), "desk"))
    assert later.stored == {(user, "a"): 1}


def test_a_message_is_judged_while_refusals_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    reception, user = desk()

    def away(*_: object) -> None:
        raise Away

    monkeypatch.setattr(reception.refusals, "of_message", away)

    accepted_of(reception.messaging.submit("m1", message(), "desk"))
    assert reception.stored == {(user, "a"): 1}


def test_a_fault_of_our_own_in_reading_refusals_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    reception, _ = desk()

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(reception.refusals, "of_message", broken)

    with pytest.raises(ZeroDivisionError):
        reception.messaging.submit("m1", message(), "desk")
    assert_nothing_accepted(reception)


def test_a_refusal_says_which_message_was_refused() -> None:
    reception, user = desk()

    reception.messaging.submit("m1", message(quantity=66), "desk")

    kept = reception.refusals.get(user, "a")
    assert kept is not None
    assert kept.message_id == "m1"


def test_what_is_given_up_goes_to_no_other_account() -> None:
    reception, user = desk()
    reception.redeliveries.attempts["m1"] = MAX_ATTEMPTS

    reception.messaging.resubmit("m1", message(), "desk")
    with pytest.raises(InvalidInput, match="stranger"):
        reception.messaging.resubmit("m1", message(), "stranger")

    assert set(reception.refusals.refusals) == {(user, "a")}


@pytest.mark.parametrize("redelivered", [False, True])
def test_an_outage_refuses_nothing(*, redelivered: bool) -> None:
    reception, _ = desk()
    reception.fail_storing(Away)
    messaging = reception.messaging
    submit = partial(messaging.resubmit if redelivered else messaging.submit, new_id())

    with pytest.raises(Away):
        submit(message(), "desk")

    assert reception.refusals.refusals == {}
    assert_nothing_accepted(reception)


def test_text_that_no_store_can_hold_is_refused_under_the_ids_that_can_be_asked_for() -> None:
    reception, account = desk()
    half = "a\ud800"
    content = {"orders": [message(half), message("b", tag=half)]}

    assert isinstance(reception.messaging.submit(new_id(), content, "desk"), InvalidOrder)

    refusal = problem(reception, account, "b")
    assert [(e["index"], e["field"]) for e in refusal["errors"]] == [
        (0, "client_order_id"),
        (1, "tag"),
    ]
    assert "\ud800" not in str(refusal)
    assert_nothing_accepted(reception)


@pytest.mark.parametrize("user", ["a\x00b", "a\ud800"])
def test_an_account_that_no_store_can_name_is_invalid(user: str) -> None:
    reception, _ = desk()

    with pytest.raises(InvalidInput, match="user must be text"):
        reception.messaging.submit(new_id(), message(), user)

    assert_nothing_accepted(reception)
