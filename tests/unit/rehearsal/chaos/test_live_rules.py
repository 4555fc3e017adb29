"""The rules of a storm over live trading, each with a pair of books that breaks it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from angel_x.domain.exchange.reconciliation import Difference, DifferenceKind, Reconciliation
from angel_x.rehearsal.chaos.live_rules import BothSides, live_rules
from angel_x.rehearsal.fake_exchange.inspection import ExchangeState

KIND = DifferenceKind
EXCHANGE = ExchangeState(
    orders={"angel-x-1": 1, "angel-x-2": 1},
    executions={"o1-f1": "angel-x-1", "o1-f2": "angel-x-1"},
    let_in={"orders": 2},
    over={},
    faults={},
)
EXECUTIONS = ("o1-f1", "o1-f2")


def compared(*kinds: DifferenceKind, pending: int = 0) -> Reconciliation:
    return Reconciliation(
        at=datetime(2026, 11, 30, tzinfo=UTC),
        orders=2,
        executions=2,
        positions=1,
        pending=pending,
        foreign=(),
        differences=tuple(Difference(kind, "angel-x-1", "open", "closed") for kind in kinds),
    )


def broken(
    exchange: ExchangeState = EXCHANGE,
    executions: Sequence[str] = EXECUTIONS,
    reconciliation: Reconciliation | None = compared(),  # noqa: B008 - never changed
) -> dict[str, str | None]:
    sides = BothSides(exchange=exchange, executions=executions, reconciliation=reconciliation)
    return {rule.name: rule.example for rule in live_rules(sides) if not rule.holds}


def test_equal_books_break_no_rule() -> None:
    assert broken() == {}


def test_two_orders_of_one_tag_are_sent_twice_whatever_became_of_them() -> None:
    twice = msgspec.structs.replace(EXCHANGE, orders={"angel-x-1": 2, "angel-x-2": 1})

    assert broken(twice) == {"no live order sent twice": "angel-x-1: 2 orders"}


@pytest.mark.parametrize(
    ("executions", "example"),
    [
        (("o1-f1",), "o1-f2 of angel-x-1 is not booked"),
        (("o1-f1", "o1-f2", "o1-f2"), "o1-f2 is booked 2 times"),
        (("o1-f1", "o1-f2", "o1-f3"), "o1-f3 is not at the exchange"),
    ],
)
def test_executions_are_equal_one_to_one(executions: Sequence[str], example: str) -> None:
    assert broken(executions=executions) == {"no execution missed or doubled": example}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (KIND.ORDER_ABSENT, "no live order lost"),
        (KIND.ORDER_UNRECORDED, "no live order lost"),
        (KIND.ORDER_STATE, "no live order lost"),
        (KIND.ORDER_TERMS, "no live order lost"),
        (KIND.ORDER_FILLED, "no execution missed or doubled"),
        (KIND.FILL_ABSENT, "no execution missed or doubled"),
        (KIND.FILL_UNRECORDED, "no execution missed or doubled"),
        (KIND.FILL_TERMS, "no execution missed or doubled"),
        (KIND.POSITION, "positions are equal"),
        (KIND.FUNDS, "funds are equal"),
    ],
)
def test_each_difference_of_a_comparison_breaks_its_rule(kind: DifferenceKind, name: str) -> None:
    example = f"{kind} angel-x-1: open at the exchange, closed here"

    assert broken(reconciliation=compared(kind)) == {
        name: example,
        "books agree": "1 differ, 0 pending",
    }


def test_books_that_were_not_compared_or_have_an_open_question_do_not_agree() -> None:
    assert broken(reconciliation=None) == {"books agree": "there was none"}
    assert broken(reconciliation=compared(pending=1)) == {"books agree": "0 differ, 1 pending"}


def test_a_request_over_its_limit_breaks_a_rule() -> None:
    over = msgspec.structs.replace(EXCHANGE, over={"orders": 3, "funds": 0})

    assert broken(over) == {"no request over budget": "3 of orders"}


def test_a_storm_without_a_trade_proves_nothing() -> None:
    still = msgspec.structs.replace(EXCHANGE, executions={})

    assert broken(still, ()) == {"live it was": "none has"}
