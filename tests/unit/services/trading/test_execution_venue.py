"""The execution where the venue takes its time: attempts, leases, and answers that come too late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest

from angel_x.domain.exchange.latency import Latency
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import Order, OrderStatus
from angel_x.domain.orders.step import Step
from angel_x.services.trading.execution import Execution
from tests.builders.order_worker import LEASE_SECONDS, Away, Died, Worker
from tests.builders.paper import LOT, Exchange
from tests.builders.terms import fill, refuse, rest

MOMENT = timedelta(microseconds=1)
SENT = [
    Step.BATCH_RECEIVED,
    Step.BATCH_CLAIMED,
    Step.BATCH_DECIDED,
    Step.BATCH_RECORDED,
    Step.BATCH_COMMITTED,
    Step.BATCH_TOLD,
]


@pytest.fixture
def worker() -> Worker:
    worker = Worker(latency=0.25)
    worker.tables.account()
    return worker


def send(worker: Worker, count: int = 1) -> None:
    """Leave orders on their way: their process dies before the answer."""
    orders = [worker.tables.order() for _ in range(count)]
    worker.meanwhile = _die
    with pytest.raises(Died):
        worker.execution.run([order.id for order in orders])
    worker.meanwhile = lambda: None
    assert {order.status for order in orders} == {OrderStatus.SUBMITTING}
    del worker.journal[:], worker.market.asked[:], worker.slept[:]


def test_orders_are_sent_and_committed_before_anybody_waits_for_the_answer(worker: Worker) -> None:
    seen = []
    worker.meanwhile = lambda: seen.append((worker.tables.statuses(), len(worker.aftermath.told)))
    for _ in range(2):
        worker.tables.order()

    assert worker.execution.run([1]) == 2

    assert seen == [({1: "submitting", 2: "submitting"}, 1)]
    assert worker.slept == [0.25]
    assert worker.market.asked == [
        ("preview", [1, 2]),
        ("latency", [1, 2]),
        ("terms", [1, 2]),
    ]
    assert worker.tables.events_of(1) == [("submitting", 1, None), ("filled", 1, None)]
    assert [event.actor for event in worker.tables.events] == ["execution"] * 2 + ["venue"] * 2
    assert worker.aftermath.told == worker.tables.books
    assert worker.counted(Metric.STALE_ATTEMPTS) == 0


def test_the_steps_of_an_answer_are_passed_where_they_say(worker: Worker) -> None:
    worker.tables.order()

    worker.execution.run([1])

    assert worker.steps[: len(SENT)] == SENT
    assert worker.journal[len(SENT) :] == [
        (Step.VENUE_ANSWERED, 1, 1, False),
        (Step.SETTLEMENT_RECORDED, 1, 1, True),
        (Step.SETTLEMENT_COMMITTED, 2, 1, False),
    ]
    assert len(worker.aftermath.told) == 2


def test_an_order_on_its_way_has_a_lease_of_the_server_s_time(worker: Worker) -> None:
    send(worker)

    assert worker.tables.rows[1].lease_until == worker.server_clock() + timedelta(
        seconds=LEASE_SECONDS
    )


def test_what_is_refused_before_it_is_sent_waits_for_no_answer(worker: Worker) -> None:
    worker.tables.order()
    worker.market.offers[1] = refuse()

    assert worker.execution.run([1]) == 1

    assert worker.tables.events_of(1) == [("denied", 1, "NO_QUOTE")]
    assert (worker.slept, worker.steps) == ([], SENT)


def test_only_what_was_sent_is_answered(worker: Worker) -> None:
    for _ in range(3):
        worker.tables.order()
    worker.market.offers[2] = refuse()

    assert worker.execution.run([1]) == 3

    assert worker.market.asked[-1] == ("terms", [1, 3])
    assert worker.tables.statuses() == {1: "filled", 2: "denied", 3: "filled"}
    assert worker.counted(Metric.STALE_ATTEMPTS) == 0


def test_each_order_gets_the_answer_to_itself(worker: Worker) -> None:
    for _ in range(3):
        worker.tables.order(limit="105.00")
    worker.market.offers = {1: fill("101.00"), 2: rest("105.00"), 3: fill("103.00")}

    worker.execution.run([1])

    assert worker.tables.statuses() == {1: "filled", 2: "working", 3: "filled"}
    assert worker.tables.rows[3].order.average_price == Decimal(103)


def test_the_same_displayed_size_is_there_when_the_order_arrives() -> None:
    exchange = Exchange(latency=Latency(fixed_ms=1))
    exchange.quote(ask_size=10 * LOT)
    order = exchange.order(lots=10)
    execution = Execution(
        desk=exchange.desk,
        venue=exchange.venue,
        market_clock=exchange.clock,
        hours=exchange.hours,
        meter=exchange.meter,
        monotonic=lambda: exchange.clock().timestamp(),
        units=exchange.units,
        claim_limit=1,
        transient=(),
    )

    execution.run([order.id])

    assert exchange.fills == [(1, 10 * LOT, 10_050)]
    assert order.status is OrderStatus.FILLED
    assert exchange.liquidity.calls == 1


@pytest.mark.parametrize(
    ("left", "status"), [(-MOMENT, "expired"), (0 * MOMENT, "expired"), (MOMENT, "filled")]
)
def test_an_answer_after_the_end_of_an_order_trades_nothing(
    worker: Worker, left: timedelta, status: str
) -> None:
    worker.tables.order(valid_until=worker.clock() + timedelta(seconds=60))
    worker.tables.order()
    worker.meanwhile = lambda: setattr(
        worker.clock, "now", worker.clock() - left + timedelta(seconds=60)
    )

    worker.execution.run([1])

    assert worker.tables.statuses() == {1: status, 2: "filled"}
    assert worker.market.asked[-1] == ("terms", [1, 2] if status == "filled" else [2])
    if status == "expired":
        assert worker.tables.events_of(1)[-1] == ("expired", 1, "VALIDITY_ENDED")
        assert worker.tables.rows[1].order.reserved == 0


def test_an_answer_of_the_next_day_counts_in_its_result(worker: Worker) -> None:
    worker.tables.order(valid_until=worker.clock() + timedelta(days=2))
    # Past midnight in India, and before it in Greenwich.
    worker.meanwhile = lambda: worker.clock.advance(13 * 3600)

    worker.execution.run([1])

    account = worker.tables.accounts[1]
    assert account.pnl_day == date(2026, 8, 20)
    assert -100 < account.day_pnl < 0


class TestAnAnswerThatIsNotOurs:
    def test_an_order_that_was_settled_meanwhile_is_settled_once(self, worker: Worker) -> None:
        for _ in range(2):
            worker.tables.order()

        def settle_the_first() -> None:
            worker.meanwhile = lambda: None
            worker.end_leases()
            worker.execution.run_exactly([1])

        worker.meanwhile = settle_the_first

        worker.execution.run([1])

        assert [s for s, *_ in worker.tables.events_of(1)] == ["submitting", "submitting", "filled"]
        assert worker.tables.statuses() == {1: "filled", 2: "filled"}
        assert worker.counted(Metric.STALE_ATTEMPTS) == 1
        assert worker.tables.positions.popitem()[1].quantity == 2 * LOT

    def test_the_answer_to_an_older_attempt_is_worth_nothing(self, worker: Worker) -> None:
        for _ in range(2):
            worker.tables.order()

        def place_the_first_again() -> None:
            worker.meanwhile = _die
            worker.end_leases()
            with pytest.raises(Died):
                worker.execution.run_exactly([1])

        worker.meanwhile = place_the_first_again

        worker.execution.run([1, 2])

        assert worker.tables.statuses() == {1: "submitting", 2: "filled"}
        assert worker.tables.events_of(1)[-1] == ("submitting", 2, "LEASE_EXPIRED")
        assert worker.counted(Metric.STALE_ATTEMPTS) == 1
        assert worker.market.asked[-1] == ("terms", [2])

    def test_where_every_attempt_is_stale_nothing_is_written(self, worker: Worker) -> None:
        worker.tables.order()
        worker.meanwhile = lambda: setattr(worker.tables.rows[1].order, "attempt", 2)

        worker.execution.run([1])

        assert worker.tables.statuses() == {1: "submitting"}
        assert len(worker.tables.books) == len(worker.aftermath.told) == 1
        assert worker.steps == [*SENT, Step.VENUE_ANSWERED]
        assert worker.counted(Metric.STALE_ATTEMPTS) == 1

    def test_an_order_placed_again_is_not_parked_for_the_answer_before(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker.tables.order()

        def place_again_and_fail(_: Sequence[Order]) -> list[Terms]:
            worker.tables.rows[1].order.attempt = 2
            raise ZeroDivisionError

        monkeypatch.setattr(worker.market, "terms", place_again_and_fail)

        worker.execution.run([1])

        assert worker.tables.statuses() == {1: "submitting"}
        assert worker.counted(Metric.STALE_ATTEMPTS) == 1


class TestAnAnswerThatCannotBeTaken:
    def test_its_order_is_rejected_alone_with_the_traceback(self, worker: Worker) -> None:
        for _ in range(3):
            worker.tables.order()
        worker.market.errors[2] = ZeroDivisionError("the answer of the venue")

        assert worker.execution.run([1, 2, 3]) == 3

        assert worker.tables.statuses() == {1: "filled", 2: "rejected", 3: "filled"}
        assert worker.tables.events_of(2)[-1] == ("rejected", 1, "PROCESSING_FAILED")
        (parked,) = [e for e in worker.tables.events if e.reason == "PROCESSING_FAILED"]
        assert "ZeroDivisionError: the answer of the venue" in (parked.detail or "")
        assert worker.tables.rows[2].order.reserved == 0
        assert worker.tables.accounts[1].margin_used == 0

    def test_an_error_of_a_server_leaves_it_on_its_way(self, worker: Worker) -> None:
        worker.tables.order()
        worker.market.errors[1] = Away("the cache")

        with pytest.raises(Away):
            worker.execution.run([1])

        assert worker.tables.statuses() == {1: "submitting"}
        assert len(worker.tables.books) == 1


class TestAnOrderOfWhichNobodyHeard:
    def test_it_is_placed_again_under_the_next_attempt(self, worker: Worker) -> None:
        send(worker)
        worker.end_leases()

        assert worker.execution.run_exactly([1]) == 1

        assert worker.tables.events_of(1) == [
            ("submitting", 1, None),
            ("submitting", 2, "LEASE_EXPIRED"),
            ("filled", 2, None),
        ]
        assert [event.actor for event in worker.tables.events] == ["execution"] * 2 + ["venue"]
        assert worker.slept == [0.25]
        assert worker.market.asked == [("latency", [1]), ("terms", [1])]

    def test_the_steps_of_another_attempt_are_passed_where_they_say(self, worker: Worker) -> None:
        send(worker)
        worker.end_leases()

        worker.execution.run_exactly([1])

        assert worker.journal == [
            (Step.RESUBMISSION_RECORDED, 1, 1, True),
            (Step.RESUBMISSION_COMMITTED, 2, 1, False),
            (Step.VENUE_ANSWERED, 2, 2, False),
            (Step.SETTLEMENT_RECORDED, 2, 2, True),
            (Step.SETTLEMENT_COMMITTED, 3, 2, False),
        ]
        assert len(worker.aftermath.told) == 3

    def test_it_is_left_alone_while_its_lease_lasts(self, worker: Worker) -> None:
        send(worker)
        worker.server_clock.advance(LEASE_SECONDS - 0.001)

        assert worker.execution.run_exactly([1]) == 0
        assert worker.execution.run([1]) == 0

        assert worker.tables.events_of(1) == [("submitting", 1, None)]
        assert worker.market.asked == []

    def test_a_doorbell_for_a_lane_does_not_place_it_again(self, worker: Worker) -> None:
        send(worker)
        worker.end_leases()

        assert worker.execution.run([1]) == 0

        assert worker.tables.statuses() == {1: "submitting"}

    def test_it_is_placed_again_beside_what_is_decided(self, worker: Worker) -> None:
        send(worker)
        worker.end_leases()
        worker.tables.order()

        assert worker.execution.run_exactly([1, 2]) == 2

        assert worker.tables.statuses() == {1: "filled", 2: "filled"}
        assert worker.tables.rows[2].order.attempt == 1

    @pytest.mark.parametrize(
        ("left", "status"), [(-MOMENT, "expired"), (0 * MOMENT, "expired"), (MOMENT, "filled")]
    )
    def test_it_is_placed_again_until_its_hour_and_not_at_it(
        self, worker: Worker, left: timedelta, status: str
    ) -> None:
        send(worker, 2)
        worker.end_leases()
        worker.tables.rows[1].order.valid_until = worker.clock() + left

        assert worker.execution.run_exactly([1, 2]) == 2

        assert worker.tables.statuses() == {1: status, 2: "filled"}
        assert worker.market.asked[0] == ("latency", [2] if status == "expired" else [1, 2])
        if status == "expired":
            assert worker.tables.events_of(1)[-1] == ("expired", 1, "VALIDITY_ENDED")

    def test_nobody_waits_for_the_venue_where_all_are_over(self, worker: Worker) -> None:
        send(worker)
        worker.end_leases()
        worker.clock.advance(24 * 3600)

        assert worker.execution.run_exactly([1]) == 1

        assert (worker.market.asked, worker.slept) == ([], [])
        assert worker.tables.accounts[1].margin_used == 0

    def test_it_waits_for_as_long_as_these_orders_are_on_their_way(self, worker: Worker) -> None:
        send(worker)
        worker.end_leases()
        worker.market.latency = 1.5

        worker.execution.run_exactly([1])

        assert worker.slept == [1.5]


def _die() -> None:
    raise Died
