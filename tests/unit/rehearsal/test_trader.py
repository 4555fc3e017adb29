from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from threading import Event

import pytest

from angel_x.client import OrderFields
from angel_x.domain.orders.order import OrderStatus
from angel_x.errors import Conflict
from angel_x.rehearsal.clients import HttpAnswer
from angel_x.rehearsal.history import (
    Answered,
    Canceled,
    ClientHistory,
    Outcome,
    Sent,
    Unseen,
    read,
)
from angel_x.rehearsal.orders import Request
from angel_x.rehearsal.trader import Stated, Trader, TraderSetup, traders

RESTING: OrderFields = {
    "client_order_id": "a",
    "symbol": "NIFTY_CE",
    "side": "BUY",
    "quantity": 65,
    "order_type": "LIMIT",
    "validity": "DAY",
}

MANY = [Request(orders=[{**RESTING, "client_order_id": str(n)}]) for n in range(20)]


@dataclass
class Scripted:
    """A client that gives its answers in turn, the last one for ever."""

    outcomes: list[Outcome]
    name: str = "http"
    sent: list[list[str]] = field(default_factory=list)

    def submit(self, orders: Sequence[OrderFields]) -> HttpAnswer:
        names = [str(order["client_order_id"]) for order in orders]
        self.sent.append(names)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        is_accepted = outcome is Outcome.ACCEPTED
        return HttpAnswer(outcome, {name: f"id-{name}" for name in names} if is_accepted else {})


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[TraderSetup]:
    with ClientHistory(tmp_path / "asha.jsonl") as history:
        yield TraderSetup(
            user="asha",
            client=Scripted([Outcome.ACCEPTED]),
            history=history,
            find_missing=None,
            cancel=None,
            share_of_cancels=1,
            random=Random(1),
            stop=Event(),
            advance=lambda _orders: None,
        )


def test_a_request_is_sent_again_until_it_has_a_final_answer(
    setup: TraderSetup, tmp_path: Path
) -> None:
    client = Scripted([Outcome.UNKNOWN, Outcome.BUSY, Outcome.ACCEPTED])

    Trader(replace(setup, client=client)).trade([Request(orders=[RESTING])])

    assert client.sent == [["a"]] * 3
    calls = {each.call for each in read(tmp_path) if isinstance(each, Sent)}
    assert calls == {0}


def test_a_refused_request_is_not_sent_again(setup: TraderSetup) -> None:
    client = Scripted([Outcome.REFUSED])

    Trader(replace(setup, client=client)).trade([Request(orders=[RESTING])])

    assert client.sent == [["a"]]


def test_a_repeated_request_is_sent_once_more_after_its_answer(setup: TraderSetup) -> None:
    client = Scripted([Outcome.ACCEPTED])

    Trader(replace(setup, client=client)).trade([Request(orders=[RESTING], is_repeated=True)])

    assert client.sent == [["a"]] * 2


def test_nothing_is_sent_after_the_stop(setup: TraderSetup) -> None:
    client = Scripted([Outcome.ACCEPTED])
    setup.stop.set()

    Trader(replace(setup, client=client)).trade([Request(orders=[RESTING], at=60)])

    assert client.sent == []


def test_an_accepted_order_that_is_not_stored_is_noted(setup: TraderSetup, tmp_path: Path) -> None:
    class Numbered(Scripted):
        def submit(self, orders: Sequence[OrderFields]) -> HttpAnswer:
            return HttpAnswer(Outcome.ACCEPTED, {"a": "17"})

    client = Numbered([Outcome.ACCEPTED])
    Trader(replace(setup, client=client, find_missing=set)).trade([Request(orders=[RESTING])])

    (unseen,) = [each for each in read(tmp_path) if isinstance(each, Unseen)]
    assert unseen.order_ids == ("17",)


def test_a_cancellation_that_comes_too_late_is_a_refusal(
    setup: TraderSetup, tmp_path: Path
) -> None:
    def cancel(_order_id: str) -> Stated:
        raise Conflict("order 1 is filled", status=409)

    Trader(replace(setup, cancel=cancel)).trade(MANY)

    made = [each for each in read(tmp_path) if isinstance(each, Canceled)]
    assert made
    assert {each.outcome for each in made} == {Outcome.REFUSED}


@dataclass(frozen=True)
class As:
    status: OrderStatus


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (OrderStatus.CANCELED, Outcome.ACCEPTED),
        (OrderStatus.PENDING_CANCEL, Outcome.UNKNOWN),
        (OrderStatus.FILLED, Outcome.UNKNOWN),
    ],
)
def test_a_cancellation_is_confirmed_only_by_an_answer_with_a_canceled_order(
    setup: TraderSetup, tmp_path: Path, status: OrderStatus, outcome: Outcome
) -> None:
    Trader(replace(setup, cancel=lambda _order_id: As(status))).trade(MANY)

    made = [each for each in read(tmp_path) if isinstance(each, Canceled)]
    assert {(each.outcome, each.detail) for each in made} == {(outcome, status.value)}


def test_traders_work_at_the_same_time_and_all_end_with_the_block(
    setup: TraderSetup, tmp_path: Path
) -> None:
    with ClientHistory(tmp_path / "dev.jsonl") as other:
        work = [
            (each, [Request(orders=[RESTING])])
            for each in (setup, replace(setup, user="dev", history=other))
        ]
        with traders(work):
            pass

    answered = [each for each in read(tmp_path) if isinstance(each, Answered)]
    assert {each.user for each in answered} == {"asha", "dev"}
