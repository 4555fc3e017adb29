from __future__ import annotations

import pytest

from angel_x.adapters.angel_one.budget import Budget, LocalLedger
from angel_x.domain.exchange.request_budget import RequestAsk, share_of, windows_of
from angel_x.errors import BudgetSpent

WINDOWS = windows_of(2, 3)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def ask() -> RequestAsk:
    return RequestAsk("orders", WINDOWS)


def test_a_request_counts_until_each_window_has_passed_since_its_answer() -> None:
    clock = Clock()
    ledger = LocalLedger(clock)
    first, second = ask(), ask()

    assert ledger.take(first) == ledger.take(second) == 0
    clock.now += 5
    assert ledger.take(ask()) > 0, "neither is answered yet"
    ledger.settle(first)
    ledger.settle(second)
    assert ledger.take(ask()) == 1.0
    clock.now += 1
    third = ask()
    assert ledger.take(third) == 0
    ledger.settle(third)
    clock.now += 2
    assert ledger.take(ask()) == pytest.approx(57), "three within a minute"


def test_requests_of_other_budgets_do_not_count() -> None:
    ledger = LocalLedger(Clock())

    assert [ledger.take(ask()) for _ in range(2)] == [0, 0]
    assert ledger.take(RequestAsk("funds", WINDOWS)) == 0


def test_a_permit_is_waited_for_and_given_back_after_an_error() -> None:
    clock = Clock()
    ledger = LocalLedger(clock)
    budget = Budget(ledger, sleep=clock.sleep, monotonic=clock)

    for _ in range(3):
        with pytest.raises(ZeroDivisionError), budget.permit(ask(), until=1010):
            raise ZeroDivisionError

    assert clock.now == pytest.approx(1001, abs=0.3)


def test_without_room_in_time_nothing_is_sent() -> None:
    clock = Clock()
    budget = Budget(LocalLedger(clock), sleep=clock.sleep, monotonic=clock)
    for _ in range(2):
        with budget.permit(ask(), until=1000):
            pass

    sent = False
    with (
        pytest.raises(BudgetSpent, match="orders") as spent,
        budget.permit(ask(), until=1000.5),
    ):
        sent = True

    assert not sent
    assert spent.value.seconds == pytest.approx(0.5), "until there is room"
    assert clock.now == pytest.approx(1000.5)


def test_a_request_whose_time_is_over_takes_no_permit() -> None:
    clock = Clock()
    ledger = LocalLedger(clock)
    budget = Budget(ledger, sleep=clock.sleep, monotonic=clock)

    with pytest.raises(BudgetSpent, match="time"), budget.permit(ask(), until=999):
        pass

    assert ledger.ages("orders") == {}


def test_a_request_that_is_given_up_while_it_waits_leaves_its_place() -> None:
    class Found(Exception):
        pass

    class Full(LocalLedger):
        left: list[RequestAsk] = []  # noqa: RUF012 - one test

        def leave(self, ask: RequestAsk) -> None:
            self.left.append(ask)

    def look() -> None:
        if clock.now > 1000.6:
            raise Found

    clock = Clock()
    ledger, wanted = Full(clock), ask()
    budget = Budget(ledger, sleep=clock.sleep, monotonic=clock)
    running = [ask(), ask()]
    assert [ledger.take(each) for each in running] == [0, 0]

    with pytest.raises(Found), budget.permit(wanted, until=1010, look=look):
        pass

    assert ledger.left == [wanted]
    assert 1000.6 < clock.now < 1001


@pytest.mark.parametrize("processes", [1, 3, 8, 9, 20, 100])
def test_shares_of_all_processes_are_within_the_limits_together(processes: int) -> None:
    windows = windows_of(9, 500, 1000)

    shares = share_of(windows, processes)

    assert len(shares) == 3
    for (span, most), (shared_span, share) in zip(windows, shares, strict=True):
        assert share >= 1
        assert processes * share / shared_span <= most / span
        assert shared_span >= span
