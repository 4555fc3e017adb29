"""Who is let in, who is told to come back, and who is never counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pytest

from angel_x.domain.book.account import Exposure
from angel_x.domain.book.risk import TradingRules
from angel_x.domain.orders.order import OrderRequest, OrderType, Priority, Side
from angel_x.domain.orders.order_rate import Ask, Windows
from angel_x.errors import InvalidInput, OrderRateExceeded, QueueFull
from angel_x.services.intake.acceptance import Submission
from angel_x.services.intake.admission import Admission, RulesInForce
from angel_x.services.intake.backpressure import Backpressure
from angel_x.services.intake.emergencies import Emergencies
from angel_x.services.intake.order_rate import LocalOrderRate

ORDER = OrderRequest("a", "NIFTY_25AUG26_24050CE", Side.BUY, 65, OrderType.MARKET)


def submission(user_id: int, orders: int = 1, priority: Priority = Priority.NORMAL) -> Submission:
    return Submission(user_id, (replace(ORDER, priority=priority),) * orders)


def emergency(user_id: int, orders: int = 1) -> Submission:
    return submission(user_id, orders, Priority.EMERGENCY)


class Counter(LocalOrderRate):
    """A window whose time stands still, and what it was asked."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.asked: list[tuple[list[Ask], dict[str, int]]] = []

    def grant(self, asks: Sequence[Ask], windows: Windows) -> list[float]:
        self.asked.append((list(asks), dict(windows)))
        return super().grant(asks, windows)


class Gate:
    """An admission with so much room, under such limits."""

    def __init__(
        self,
        *limits: tuple[str, str, str],
        room: int = 1000,
        waiting: int = 1,
        short: Mapping[int, int] | None = None,
        emergency_limit: int = 1000,
    ) -> None:
        rows = [(*scope, "max_orders_per_second", value) for *scope, value in limits]
        self.counter = Counter()
        self.admission = Admission(
            backpressure=Backpressure(lambda: {0: waiting}, limit=room, monotonic=lambda: 0.0),
            grant_rate=self.counter.grant,
            rules=lambda: TradingRules.from_rows((), rows),
            emergencies=Emergencies(
                lambda _: {
                    (user_id, ORDER.symbol): Exposure(user_id, ORDER.symbol, -units)
                    for user_id, units in (short or {}).items()
                }
            ),
            emergency_limit=emergency_limit,
        )

    def admit(self, *submissions: Submission) -> list[type[Exception] | None]:
        refusals = self.admission.admit(submissions)
        return [None if refusal is None else type(refusal) for refusal in refusals]


def test_without_limits_nobody_is_counted() -> None:
    gate = Gate()

    assert gate.admit(submission(1, 500), submission(2)) == [None, None]
    assert gate.counter.asked == []


def test_an_account_sends_at_most_what_it_may_within_a_second() -> None:
    gate = Gate(("user", "1", "3"))

    assert gate.admit(submission(1, 2), submission(1, 2), submission(1), submission(2, 99)) == [
        None,
        OrderRateExceeded,
        None,
        None,
    ]


def test_orders_count_against_the_limit_of_their_own_account_only() -> None:
    gate = Gate(("user", "1", "2"), ("user", "2", "5"))

    assert gate.admit(submission(1, 2), submission(2, 5)) == [None, None]
    assert gate.admit(submission(1), submission(2)) == [OrderRateExceeded, OrderRateExceeded]
    assert gate.admit(submission(1, 3), submission(2, 3)) == [InvalidInput, OrderRateExceeded]


def test_one_account_is_turned_away_and_the_next_is_not() -> None:
    gate = Gate(("user", "1", "2"), ("user", "2", "2"))

    assert gate.admit(submission(1, 2), submission(1), submission(2, 2), submission(2)) == [
        None,
        OrderRateExceeded,
        None,
        OrderRateExceeded,
    ]


def test_everyone_together_sends_at_most_what_is_set_for_everyone() -> None:
    gate = Gate(("global", "", "3"))

    assert gate.admit(*(submission(user) for user in range(5))) == [
        None,
        None,
        None,
        OrderRateExceeded,
        OrderRateExceeded,
    ]


def test_the_counter_is_asked_once_for_a_whole_commit() -> None:
    gate = Gate(("global", "", "30"), ("user", "1", "3"))

    gate.admit(*(submission(user) for user in (1, 2, 3)))

    assert gate.counter.asked == [
        (
            [Ask(1, ("all", "user:1")), Ask(1, ("all",)), Ask(1, ("all",))],
            {"all": 30, "user:1": 3},
        )
    ]


def test_one_who_is_turned_away_is_told_when_to_come_back() -> None:
    gate = Gate(("user", "1", "1"))

    _, refusal = gate.admission.admit([submission(1), submission(1)])

    assert isinstance(refusal, OrderRateExceeded)
    assert (refusal.limit, refusal.retry_after) == (1, 1)


def test_a_request_that_could_never_be_let_in_is_refused_for_good() -> None:
    gate = Gate(("user", "1", "3"))

    (refusal,) = gate.admission.admit([submission(1, 4)])

    assert isinstance(refusal, InvalidInput)
    assert str(refusal).endswith("was 4")
    assert gate.counter.asked == []


def test_emergencies_that_reduce_are_neither_counted_nor_turned_away() -> None:
    gate = Gate(("user", "1", "1"), ("global", "", "1"), room=3, short={1: 100 * ORDER.quantity})

    assert gate.admit(emergency(1, 50), submission(1), emergency(1, 50)) == [None, None, None]


def test_emergencies_reduce_no_more_than_the_position_covers() -> None:
    gate = Gate(("user", "1", "1"), short={1: 2 * ORDER.quantity})

    assert gate.admit(emergency(1, 2), emergency(1), emergency(1)) == [
        None,
        None,
        OrderRateExceeded,
    ]


def test_emergencies_that_do_not_reduce_count_against_every_limit() -> None:
    gate = Gate(("user", "1", "2"))

    assert gate.admit(emergency(1), submission(1), emergency(1), submission(1)) == [
        None,
        None,
        OrderRateExceeded,
        OrderRateExceeded,
    ]
    assert Gate(room=3).admit(emergency(0, 3), emergency(0, 2)) == [QueueFull, None]


def test_emergencies_that_do_not_reduce_have_a_limit_for_each_account() -> None:
    gate = Gate(emergency_limit=2, short={3: ORDER.quantity})

    assert gate.admit(
        emergency(1, 2), emergency(1), submission(1, 50), emergency(2), emergency(3, 3)
    ) == [None, OrderRateExceeded, None, None, None]
    assert gate.admit(emergency(2, 3)) == [InvalidInput]


def test_an_account_with_less_than_its_share_of_a_full_queue_is_let_in() -> None:
    gate = Gate(room=100, waiting=100)

    assert gate.admit(submission(0), submission(1, 5), submission(1), submission(2, 4)) == [
        QueueFull,
        None,
        QueueFull,
        QueueFull,
    ]
    assert gate.admit(submission(2, 3)) == [None]


def test_a_queue_without_room_comes_first_and_counts_no_order() -> None:
    gate = Gate(("user", "1", "10"), room=3)

    assert gate.admit(submission(1, 3), submission(1, 2)) == [QueueFull, None]
    assert [asks for asks, _ in gate.counter.asked] == [[Ask(2, ("user:1",))]]


@pytest.mark.parametrize(("seconds", "reads"), [([0, 0.5, 1.0], 1), ([0, 1.1, 2.2], 3)])
def test_limits_are_read_again_after_a_second(seconds: Iterable[float], reads: int) -> None:
    now = 0.0
    read: list[float] = []

    def rules_now() -> TradingRules:
        read.append(now)
        return TradingRules()

    rules = RulesInForce(rules_now, monotonic=lambda: now)

    for now in seconds:  # noqa: B007 - the clock reads it
        rules()

    assert len(read) == reads
