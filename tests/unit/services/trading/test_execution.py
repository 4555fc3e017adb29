"""The execution on tables in memory: what is claimed, decided, recorded and told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from angel_x.domain.book.limits import Limits
from angel_x.domain.book.risk import TradingRules
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import ASKED, OrderStatus, Priority, Validity
from angel_x.domain.orders.step import Step
from angel_x.services.trading.decided import Decided
from tests.builders.order_worker import Away, Died, Worker
from tests.builders.terms import fill, refuse
from tests.fakes.tables import LOT
from tests.fakes.units import WouldWait

MOMENT = timedelta(microseconds=1)


@pytest.fixture
def worker() -> Worker:
    worker = Worker()
    worker.tables.account()
    return worker


def test_a_batch_is_decided_and_committed_and_then_told(worker: Worker) -> None:
    orders = [worker.tables.order(), worker.tables.order()]
    worker.market.offers[2] = refuse()

    assert worker.execution.run([1]) == 2

    assert worker.tables.statuses() == {1: "filled", 2: "denied"}
    assert worker.tables.events_of(1) == [("filled", 1, None)]
    assert worker.tables.events_of(2) == [("denied", 1, "NO_QUOTE")]
    assert {event.actor for event in worker.tables.events} == {"execution"}
    assert worker.market.asked == [("terms", [1, 2])]
    assert worker.aftermath.told == worker.tables.books
    assert worker.slept == []
    assert orders[0].filled_quantity == orders[0].quantity


def test_the_steps_of_a_batch_are_passed_where_they_say(worker: Worker) -> None:
    worker.tables.order()

    worker.execution.run([1])

    assert worker.journal == [
        (Step.BATCH_RECEIVED, 0, 0, False),
        (Step.BATCH_CLAIMED, 0, 0, True),
        (Step.BATCH_DECIDED, 0, 0, True),
        (Step.BATCH_RECORDED, 0, 0, True),
        (Step.BATCH_COMMITTED, 1, 0, False),
        (Step.BATCH_TOLD, 1, 1, False),
    ]


@pytest.mark.parametrize(
    ("step", "status"),
    [
        (Step.BATCH_RECEIVED, "received"),
        (Step.BATCH_CLAIMED, "received"),
        (Step.BATCH_DECIDED, "received"),
        (Step.BATCH_RECORDED, "received"),
        (Step.BATCH_COMMITTED, "filled"),
        (Step.BATCH_TOLD, "filled"),
    ],
)
def test_a_process_that_dies_keeps_what_it_has_committed(
    worker: Worker, step: Step, status: str
) -> None:
    worker.tables.order()
    worker.at_steps[step] = _die

    with pytest.raises(Died):
        worker.execution.run([1])

    assert worker.tables.statuses() == {1: status}
    assert worker.steps[-1] is step


def test_what_was_written_is_there_once_the_step_says_so(worker: Worker) -> None:
    worker.tables.order()
    seen: list[dict[int, str]] = []
    for step in (Step.BATCH_DECIDED, Step.BATCH_RECORDED):
        worker.at_steps[step] = lambda: seen.append(worker.tables.statuses())

    worker.execution.run([1])

    assert seen == [{1: "received"}, {1: "filled"}]


def test_a_second_doorbell_finds_nothing_and_changes_nothing(worker: Worker) -> None:
    worker.tables.order()
    worker.execution.run([1])
    del worker.journal[:], worker.market.asked[:]

    assert worker.execution.run([1]) == 0

    assert len(worker.tables.books) == len(worker.aftermath.told) == 1
    assert worker.market.asked == []
    assert worker.steps == [Step.BATCH_RECEIVED]
    assert worker.counted(Metric.MESSAGES_DROPPED) == 0


@pytest.mark.parametrize(("limit", "named", "decided"), [(2, 1, 2), (2, 3, 3), (3, 3, 3)])
def test_a_claim_takes_its_limit_or_as_many_as_were_named(
    limit: int, named: int, decided: int
) -> None:
    worker = Worker(claim_limit=limit)
    orders = [worker.tables.order() for _ in range(5)]

    assert worker.execution.run([order.id for order in orders[:named]]) == decided

    statuses = list(worker.tables.statuses().values())
    assert statuses == ["filled"] * decided + ["received"] * (5 - decided)


def test_ids_that_no_order_has_are_counted_and_dropped(worker: Worker) -> None:
    assert worker.execution.run([7, 8]) == 0

    assert (Metric.MESSAGES_DROPPED, 2, {"reason": "unknown_order"}) in worker.meter.added
    assert worker.aftermath.told == []


def test_an_unknown_id_beside_orders_that_wait_keeps_nobody_up(worker: Worker) -> None:
    worker.tables.order()

    assert worker.execution.run([1, 7]) == 1

    assert worker.counted(Metric.MESSAGES_DROPPED) == 0


def test_what_a_batch_took_is_measured(worker: Worker) -> None:
    worker.tables.order()

    worker.execution.run([1])

    # Looked at when it begins, when the orders are read, when they are told of and when it ends.
    assert worker.aftermath.elapsed == [1.0]
    assert worker.meter.observed == [(Metric.ORDER_PROCESSING_SECONDS, 3.0)]


@pytest.mark.parametrize(
    ("left", "status"), [(-MOMENT, "expired"), (0 * MOMENT, "expired"), (MOMENT, "filled")]
)
def test_an_order_is_valid_until_its_hour_and_not_at_it(
    worker: Worker, left: timedelta, status: str
) -> None:
    worker.tables.order(valid_until=worker.clock() + left)
    worker.tables.order()

    assert worker.execution.run([1]) == 2

    assert worker.tables.statuses() == {1: status, 2: "filled"}
    asked = [2] if status == "expired" else [1, 2]
    assert worker.market.asked == [("terms", asked)]
    if status == "expired":
        assert worker.tables.events_of(1) == [("expired", 0, "VALIDITY_ENDED")]


def test_an_order_that_repeats_another_is_denied_and_offered_nothing(worker: Worker) -> None:
    worker.tables.rules = TradingRules(everyone=Limits(duplicate_window_seconds=Decimal(30)))
    for _ in range(2):
        worker.tables.order()
    worker.tables.order(limit="99.00")

    assert worker.execution.run([1]) == 3

    assert worker.tables.events_of(1) == [("filled", 1, None)]
    assert worker.tables.events_of(2) == [("denied", 0, "DUPLICATE_ORDER")]
    assert worker.market.asked == [("terms", [1, 3])]


def test_an_order_that_repeats_another_and_is_over_expires(worker: Worker) -> None:
    worker.tables.rules = TradingRules(everyone=Limits(duplicate_window_seconds=Decimal(30)))
    worker.tables.order()
    worker.tables.order(valid_until=worker.clock())

    worker.execution.run([1])

    assert worker.tables.statuses() == {1: "filled", 2: "expired"}


def test_orders_may_repeat_each_other_where_no_window_is_set(worker: Worker) -> None:
    for _ in range(2):
        worker.tables.order()

    worker.execution.run([1])

    assert set(worker.tables.statuses().values()) == {"filled"}


@pytest.mark.parametrize(
    ("hour", "day"),
    [
        (datetime(2026, 8, 19, 18, 29, tzinfo=UTC), 19),
        (datetime(2026, 8, 19, 18, 31, tzinfo=UTC), 20),
    ],
)
def test_the_result_of_a_day_is_that_of_the_day_in_india(
    worker: Worker, hour: datetime, day: int
) -> None:
    worker.clock.now = hour
    account = worker.tables.accounts[1]
    account.pnl_day, account.day_pnl = date(2026, 8, 18), Decimal(-5_000)
    worker.tables.order(valid_until=worker.clock() + timedelta(hours=1))

    worker.execution.run([1])

    account = worker.tables.accounts[1]
    assert account.pnl_day == date(2026, 8, day)
    assert -100 < account.day_pnl < 0


def test_orders_are_decided_in_turn_on_what_those_before_have_left(worker: Worker) -> None:
    poor = worker.tables.account(cash="10000")
    for _ in range(2):
        worker.tables.order(poor)

    worker.execution.run([2])

    assert worker.tables.statuses() == {1: "filled", 2: "denied"}
    assert worker.tables.events_of(2)[0][2] == DenialReason.INSUFFICIENT_MARGIN


def test_each_order_gets_its_own_terms(worker: Worker) -> None:
    for number, price in enumerate(("101.00", "102.00", "103.00"), start=1):
        worker.tables.order()
        worker.market.offers[number] = fill(price)

    worker.execution.run([1])

    prices = [order.order.average_price for order in worker.tables.rows.values()]
    assert prices == [Decimal(101), Decimal(102), Decimal(103)]


def test_an_order_that_moves_twice_is_counted_once(worker: Worker) -> None:
    worker.tables.order(limit="101.00", validity=Validity.IOC)
    worker.market.offers[1] = fill(units=1)

    assert worker.execution.run([1]) == 1

    assert [status for status, *_ in worker.tables.events_of(1)] == ["partially_filled", "canceled"]


def test_lanes_that_were_not_rung_for_are_left_alone(worker: Worker) -> None:
    worker.tables.order(priority=Priority.LOW)
    worker.tables.order(priority=Priority.HIGH)

    assert worker.execution.run([2]) == 1

    assert worker.tables.statuses() == {1: "received", 2: "filled"}


class TestABatchThatRaises:
    def test_the_order_to_blame_is_parked_alone(self, worker: Worker) -> None:
        for _ in range(5):
            worker.tables.order()
        worker.market.errors[3] = ZeroDivisionError("no price for this one")

        assert worker.execution.run([1, 2, 3, 4, 5]) == 5

        statuses = worker.tables.statuses()
        assert statuses.pop(3) == "denied"
        assert set(statuses.values()) == {"filled"}
        assert worker.tables.events_of(3) == [("denied", 0, "PROCESSING_FAILED")]
        (parked,) = [event for event in worker.tables.events if event.order_id == 3]
        assert (parked.detail or "").startswith("Traceback")
        assert "ZeroDivisionError: no price for this one" in (parked.detail or "")
        assert [metric for metric, _ in worker.meter.observed] == [Metric.ORDER_PROCESSING_SECONDS]

    def test_only_what_was_named_is_decided_then(self, worker: Worker) -> None:
        for _ in range(3):
            worker.tables.order()
        worker.market.errors[1] = ZeroDivisionError()

        assert worker.execution.run([2]) == 1

        assert worker.tables.statuses() == {1: "received", 2: "filled", 3: "received"}

    @pytest.mark.parametrize("call", ["run", "run_exactly"])
    def test_an_error_of_a_server_is_no_order_s_fault(self, worker: Worker, call: str) -> None:
        for _ in range(2):
            worker.tables.order()
        worker.market.errors[1] = Away("the cache")

        with pytest.raises(Away):
            getattr(worker.execution, call)([1, 2])

        assert set(worker.tables.statuses().values()) == {"received"}
        assert worker.tables.events == []
        assert worker.meter.observed == []
        assert len([question for question, _ in worker.market.asked if question == "terms"]) == 1

    def test_an_error_of_a_server_that_halving_meets_parks_nothing(self, worker: Worker) -> None:
        for _ in range(2):
            worker.tables.order()
        worker.market.errors = {1: ZeroDivisionError(), 2: Away("the cache")}

        with pytest.raises(Away):
            worker.execution.run([1, 2])

        assert worker.tables.statuses() == {1: "denied", 2: "received"}

    def test_nothing_is_kept_of_a_batch_that_raises_before_its_commit(self, worker: Worker) -> None:
        worker.tables.order()
        worker.at_steps[Step.BATCH_RECORDED] = _fail

        worker.execution.run([1])

        assert worker.tables.events_of(1) == [("denied", 0, "PROCESSING_FAILED")]
        assert worker.tables.accounts[1].cash == Decimal(10**7)
        assert worker.tables.positions == {}


class TestExactly:
    def test_these_are_decided_and_none_before_them(self, worker: Worker) -> None:
        for _ in range(4):
            worker.tables.order()

        assert worker.execution.run_exactly([3, 2]) == 2

        assert worker.tables.statuses() == {1: "received", 2: "filled", 3: "filled", 4: "received"}
        assert worker.aftermath.told == worker.tables.books
        assert worker.steps == [
            Step.BATCH_CLAIMED,
            Step.BATCH_DECIDED,
            Step.BATCH_RECORDED,
            Step.BATCH_COMMITTED,
            Step.BATCH_TOLD,
        ]

    @pytest.mark.parametrize("status", [s for s in OrderStatus if s != OrderStatus.RECEIVED])
    def test_what_was_decided_is_left_alone(self, worker: Worker, status: OrderStatus) -> None:
        order = worker.tables.order()
        order.status = status
        if status in ASKED:
            worker.tables.rows[1].lease_until = worker.server_clock() + MOMENT
        before = replace(order)

        assert worker.execution.run_exactly([1]) == 0

        assert order == before
        assert (worker.tables.books, worker.steps, worker.market.asked) == ([], [], [])

    def test_what_cannot_be_decided_alone_is_parked(self, worker: Worker) -> None:
        for _ in range(2):
            worker.tables.order()
        worker.market.errors[2] = ZeroDivisionError()

        assert worker.execution.run_exactly([1, 2]) == 2

        assert worker.tables.statuses() == {1: "filled", 2: "denied"}


def _die() -> None:
    raise Died


def _fail() -> None:
    raise ZeroDivisionError


def test_an_account_that_is_held_is_waited_for_after_the_others_are_decided(worker: Worker) -> None:
    other = worker.tables.account()
    held, free = worker.tables.order(), worker.tables.order(other)
    worker.tables.account_locks[1] = object()
    decided_before: list[dict[int, str]] = []

    def wait(user_id: int) -> bool:
        decided_before.append(worker.tables.statuses())
        del worker.tables.account_locks[user_id]
        return True

    worker.units.on_wait = wait

    assert worker.execution.answer([held.id, free.id]) == Decided(2)
    assert decided_before == [{held.id: "received", free.id: "filled"}]
    assert worker.tables.statuses() == {held.id: "filled", free.id: "filled"}


def test_an_account_that_another_process_waits_for_is_left_to_it(worker: Worker) -> None:
    other = worker.tables.account()
    held, free = worker.tables.order(), worker.tables.order(other)
    worker.tables.account_locks[1] = object()
    worker.units.on_wait = lambda _: False

    assert worker.execution.answer([held.id]) == Decided(0, elsewhere=frozenset({1}))
    assert worker.execution.answer([held.id, free.id]) == Decided(1, elsewhere=frozenset({1}))

    assert worker.tables.statuses() == {held.id: "received", free.id: "filled"}
    assert Metric.MESSAGES_DROPPED not in {metric for metric, *_ in worker.meter.added}


def test_an_account_that_was_waited_for_is_locked_in_turn_and_skipped_no_more(
    worker: Worker,
) -> None:
    order = worker.tables.order()
    # Another process holds it again at once.
    worker.tables.account_locks[1] = object()
    waited_for: list[int] = []
    worker.units.on_wait = lambda user_id: not waited_for.append(user_id)  # type: ignore[func-returns-value]

    with pytest.raises(WouldWait):
        worker.execution.answer([order.id])

    assert waited_for == [1]


def test_an_account_is_not_waited_for_where_its_orders_are_decided(worker: Worker) -> None:
    decided = worker.tables.order(status=OrderStatus.FILLED, filled_quantity=LOT)
    worker.tables.account_locks[1] = object()

    assert worker.execution.answer([decided.id]) == Decided(0)


@pytest.mark.parametrize(
    ("priority", "count", "decided", "leaves"),
    [
        (Priority.NORMAL, 7, 7, False),
        (Priority.NORMAL, 9, 8, True),
        (Priority.EMERGENCY, 1, 1, False),
        (Priority.EMERGENCY, 9, 2, True),
    ],
)
def test_the_emergencies_of_an_account_take_a_quarter_of_a_claim(
    priority: Priority, count: int, decided: int, *, leaves: bool
) -> None:
    worker = Worker(claim_limit=8)
    worker.tables.account()
    for _ in range(count):
        worker.tables.order(priority=priority)

    assert worker.execution.answer([1]) == Decided(decided, leaves_orders=leaves)
