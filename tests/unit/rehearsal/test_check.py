"""The check of a history, fed with the truth and with lies."""

from __future__ import annotations

import pytest

from angel_x.adapters.postgres.evidence import StoredOrder
from angel_x.rehearsal.check import HistoryCheck, check_history
from angel_x.rehearsal.history import (
    Answered,
    Canceled,
    Entry,
    OrderContent,
    Outcome,
    Sent,
    Unseen,
)

CONTENT = OrderContent("NIFTY_CE", "BUY", 65)


def sent(
    name: str, *, call: int = 0, client: str = "http", content: OrderContent = CONTENT
) -> Entry:
    return Sent(at=1.0, user="asha", call=call, client=client, orders={name: content})


def answered(
    outcome: Outcome,
    order_ids: dict[str, str] | None = None,
    *,
    call: int = 0,
    seconds: float = 0.1,
) -> Entry:
    return Answered(
        at=2.0, user="asha", call=call, outcome=outcome, seconds=seconds, order_ids=order_ids or {}
    )


def stored(
    name: str,
    order_id: str = "1",
    *,
    status: str = "filled",
    filled: int = 65,
    content: tuple[str, str, int] = ("NIFTY_CE", "BUY", 65),
) -> StoredOrder:
    return StoredOrder("asha", name, order_id, content, status, filled)


def accepted(name: str, order_id: str = "1", *, call: int = 0) -> list[Entry]:
    return [sent(name, call=call), answered(Outcome.ACCEPTED, {name: order_id}, call=call)]


def faults(check: HistoryCheck) -> dict[str, list[str]]:
    names = ("lost", "doubled", "unexpected", "phantom", "premature", "unresolved", "hung")
    return {name: list(getattr(check, name)) for name in names if getattr(check, name)}


def test_an_order_that_was_accepted_and_is_stored_is_no_fault() -> None:
    check = check_history(accepted("a"), [stored("a")])

    assert faults(check) == {}
    assert (check.sent, check.accepted) == (1, 1)


def test_an_accepted_order_that_is_not_stored_is_lost() -> None:
    check = check_history([*accepted("a"), *accepted("b", "2", call=1)], [stored("a")])

    assert faults(check) == {"lost": ["asha/b"]}


def test_two_rows_under_one_id_are_doubled() -> None:
    check = check_history(accepted("a"), [stored("a"), stored("a", "2")])

    assert faults(check) == {"doubled": ["asha/a"]}


def test_two_promises_for_one_id_are_doubled() -> None:
    entries = [*accepted("a", "1"), *accepted("a", "2", call=1)]

    assert faults(check_history(entries, [stored("a")])) == {"doubled": ["asha/a"]}


def test_another_order_than_the_promised_one_is_doubled() -> None:
    assert faults(check_history(accepted("a", "7"), [stored("a", "8")])) == {"doubled": ["asha/a"]}


def test_an_order_filled_for_more_than_was_asked_is_doubled() -> None:
    assert faults(check_history(accepted("a"), [stored("a", filled=130)])) == {
        "doubled": ["asha/a"]
    }


def test_an_execution_that_was_booked_twice_is_doubled() -> None:
    check = check_history(accepted("a"), [stored("a")], twice=["execution 5"])

    assert faults(check) == {"doubled": ["execution 5"]}


def test_a_stored_order_that_nobody_sent_is_a_phantom() -> None:
    check = check_history(accepted("a"), [stored("a"), stored("z", "9")])

    assert faults(check) == {"phantom": ["asha/z"]}


def test_an_order_of_another_account_does_not_stand_in_for_a_lost_one() -> None:
    other = StoredOrder("dev", "a", "1", ("NIFTY_CE", "BUY", 65), "filled", 65)

    check = check_history(accepted("a"), [other])

    assert faults(check) == {"lost": ["asha/a"], "phantom": ["dev/a"]}


@pytest.mark.parametrize(
    "content", [("NIFTY_PE", "BUY", 65), ("NIFTY_CE", "SELL", 65), ("NIFTY_CE", "BUY", 130)]
)
def test_other_content_than_was_sent_is_unexpected(content: tuple[str, str, int]) -> None:
    check = check_history(accepted("a"), [stored("a", content=content)])

    assert faults(check) == {"unexpected": ["asha/a"]}


def test_a_refused_order_that_is_stored_is_unexpected() -> None:
    entries = [sent("a"), answered(Outcome.REFUSED)]

    assert faults(check_history(entries, [stored("a")])) == {"unexpected": ["asha/a"]}
    assert faults(check_history(entries, [])) == {}


def test_an_order_that_trades_after_its_cancellation_was_confirmed_is_unexpected() -> None:
    canceled = Canceled(3.0, "asha", "1", Outcome.ACCEPTED, 0.1)
    entries = [*accepted("a"), canceled]

    assert faults(check_history(entries, [stored("a")])) == {"unexpected": ["asha/a"]}
    assert faults(check_history(entries, [stored("a", status="canceled", filled=0)])) == {}


def test_a_cancellation_that_came_too_late_promises_nothing() -> None:
    late = Canceled(3.0, "asha", "1", Outcome.REFUSED, 0.1)

    assert faults(check_history([*accepted("a"), late], [stored("a")])) == {}


def test_an_order_without_any_answer_may_be_stored_or_not() -> None:
    entries = [sent("a"), answered(Outcome.UNKNOWN)]

    for rows in ([], [stored("a")]):
        check = check_history(entries, rows)
        assert faults(check) == {"unresolved": ["asha/a"]}
        assert check.recovered == 0


def test_an_order_that_was_accepted_when_it_was_sent_again_is_recovered() -> None:
    check = check_history([sent("a"), answered(Outcome.UNKNOWN), *accepted("a")], [stored("a")])

    assert faults(check) == {}
    assert (check.recovered, check.unknown_answers) == (1, 1)


def test_an_order_that_was_sent_again_after_its_answer_is_repeated_and_not_recovered() -> None:
    entries = [*accepted("a"), sent("a"), answered(Outcome.UNKNOWN), *accepted("a")]

    check = check_history(entries, [stored("a")])

    assert faults(check) == {}
    assert (check.repeated, check.recovered) == (1, 0)


def test_success_before_the_commit_is_premature() -> None:
    check = check_history([*accepted("a"), Unseen(2.5, "asha", ("1",))], [stored("a")])

    assert faults(check) == {"premature": ["1"]}


def test_a_request_that_took_longer_than_it_may_hung() -> None:
    slow = [sent("a"), answered(Outcome.ACCEPTED, {"a": "1"}, seconds=20.5)]

    check = check_history(slow, [stored("a")], patience=15)

    assert faults(check) == {"hung": ["asha/0: 20.5 s"]}
    assert check.longest_seconds == 20.5


def test_who_waits_for_a_message_does_not_wait_for_the_api() -> None:
    slow = [sent("a", client="message"), answered(Outcome.ACCEPTED, {"a": "1"}, seconds=20.5)]

    assert faults(check_history(slow, [stored("a")], patience=15)) == {}
