"""The local window against a naive twin, and what happens without the shared one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order_rate import WINDOW_SECONDS, Ask, Windows
from angel_x.services.intake.order_rate import LocalOrderRate, SharedOrderRate
from tests.builders.recorders import RecordingMeter

ASK = [Ask(1, ("a",))]
LIMIT = {"a": 2}


@dataclass
class Flaky:
    """A shared window that is away when it is told to be."""

    is_away: bool = False
    asked: int = 0
    error: type[Exception] = field(default=ConnectionError)

    def grant(self, asks: Sequence[Ask], _windows: Windows) -> list[float]:
        self.asked += 1
        if self.is_away:
            raise self.error("nobody answers")
        return [0.0] * len(asks)


class Rate:
    def __init__(self) -> None:
        self.now = 0.0
        self.flaky = Flaky()
        self.meter = RecordingMeter()
        self.shared = SharedOrderRate(
            self.flaky.grant,
            LocalOrderRate(lambda: self.now).grant,
            unreachable=(ConnectionError,),
            meter=self.meter,
            monotonic=lambda: self.now,
        )


def test_while_the_counter_is_away_each_process_counts_for_itself() -> None:
    rate = Rate()
    rate.flaky.is_away = True

    waits = [rate.shared.grant(ASK, LIMIT)[0] for _ in range(3)]

    assert [wait > 0 for wait in waits] == [False, False, True]
    assert rate.meter.added == [(Metric.ORDER_RATE_FALLBACKS, 1, {})] * 3


def test_a_counter_that_is_away_is_left_alone_for_a_while_and_then_asked_again() -> None:
    rate = Rate()
    rate.flaky.is_away = True
    for _ in range(5):
        rate.shared.grant(ASK, LIMIT)
    assert rate.flaky.asked == 1

    rate.flaky.is_away, rate.now = False, 2.5

    assert [rate.shared.grant(ASK, LIMIT) for _ in range(5)] == [[0.0]] * 5
    assert rate.flaky.asked == 6


def test_an_error_that_is_no_outage_is_not_hidden() -> None:
    rate = Rate()
    rate.flaky.is_away, rate.flaky.error = True, ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rate.shared.grant(ASK, LIMIT)


_steps = st.lists(
    st.tuples(
        st.integers(0, 500),
        st.lists(st.tuples(st.integers(1, 4), st.sampled_from([("a",), ("a", "b"), ("b",)]))),
    ),
    max_size=12,
)


@given(_steps, st.integers(1, 6), st.integers(1, 6))
def test_the_local_window_grants_what_a_naive_twin_grants(
    steps: list[tuple[int, list[tuple[int, tuple[str, ...]]]]], a: int, b: int
) -> None:
    windows = {"a": a, "b": b}
    now = 0
    # In fractions that floats hold exactly.
    rate = LocalOrderRate(lambda: now / 1024)
    granted: list[tuple[int, int, str]] = []
    for pause, asks in steps:
        now += pause
        waits = rate.grant([Ask(orders, names) for orders, names in asks], windows)
        for (orders, names), wait in zip(asks, waits, strict=True):
            used = {
                name: sum(n for at, n, of in granted if of == name and at > now - 1024)
                for name in names
            }
            fits = all(used[name] + orders <= windows[name] for name in names)
            assert fits == (wait == 0)
            assert wait <= WINDOW_SECONDS
            if fits:
                granted += [(now, orders, name) for name in names]


@pytest.mark.parametrize(
    ("orders", "is_in"), [(1, True), (9, True), (10, True), (11, False), (12, False)]
)
def test_as_many_orders_as_the_limit_are_let_in_and_not_one_more(
    orders: int, *, is_in: bool
) -> None:
    rate = LocalOrderRate(lambda: 5.0)

    (wait,) = rate.grant([Ask(orders, ("a",))], {"a": 10})

    assert wait == (0.0 if is_in else WINDOW_SECONDS)


@pytest.mark.parametrize(("now", "wait"), [(1.0, 0.5), (1.25, 0.25), (1.5, 0.0), (2.0, 0.0)])
def test_the_wait_is_until_enough_of_the_window_has_passed(now: float, wait: float) -> None:
    at = [0.5]
    rate = LocalOrderRate(lambda: at[0])
    rate.grant([Ask(2, ("a",))], {"a": 3})
    at[0] = 0.75
    rate.grant([Ask(1, ("a",))], {"a": 3})

    at[0] = now

    assert rate.grant([Ask(1, ("a",))], {"a": 3}) == [wait]


def test_what_waits_is_counted_by_none_of_its_windows() -> None:
    rate = LocalOrderRate(lambda: 5.0)
    windows = {"a": 1, "b": 2}

    waits = rate.grant([Ask(1, ("a",)), Ask(1, ("a", "b")), Ask(2, ("b",))], windows)

    assert [wait > 0 for wait in waits] == [False, True, False]


def test_a_counter_that_was_away_is_asked_again_after_exactly_its_pause() -> None:
    rate = Rate()
    rate.flaky.is_away = True
    rate.shared.grant(ASK, LIMIT)

    rate.now = 1.999
    rate.shared.grant(ASK, LIMIT)
    assert rate.flaky.asked == 1
    rate.now = 2.0
    rate.shared.grant(ASK, LIMIT)

    assert rate.flaky.asked == 2
