from __future__ import annotations

from threading import Event

import pytest
import redis

from angel_x.rehearsal.patience import Patience
from angel_x.rehearsal.waiting import (
    Interrupted,
    holds_while_moving,
    holds_within,
    through_outages,
)

PATIENCE = 120.0


def test_a_condition_that_comes_to_hold_ends_the_wait() -> None:
    answers = iter([False, False, True])

    assert holds_within(PATIENCE, lambda: next(answers), Event())


def test_a_condition_that_never_holds_is_given_up() -> None:
    assert not holds_within(0, lambda: False, Event())


def test_a_stop_ends_the_wait() -> None:
    stop = Event()
    stop.set()

    assert not holds_within(PATIENCE, lambda: False, stop)


def test_a_wait_goes_on_as_long_as_something_moves() -> None:
    left = iter(range(9, -1, -1))
    reached = 10

    def is_done() -> bool:
        nonlocal reached
        reached = next(left)
        return reached == 0

    assert holds_while_moving(0.0, is_done, lambda: reached, Event())


def test_a_wait_ends_when_nothing_moves() -> None:
    assert not holds_while_moving(0.0, lambda: False, lambda: 7, Event())


@pytest.mark.parametrize(
    ("start_seconds", "busy", "seconds"), [(0.5, 1.0, 10.0), (120.0, 3.0, 100.0), (12.0, 3.0, 30.0)]
)
def test_a_slow_or_busy_machine_gets_more_time(
    monkeypatch: pytest.MonkeyPatch, start_seconds: float, busy: float, seconds: float
) -> None:
    monkeypatch.setattr("angel_x.rehearsal.patience.slowness", lambda: busy)

    assert Patience(Event(), start_seconds).seconds(10.0) == seconds


def test_a_wait_in_vain_is_unfinished() -> None:
    patience = Patience(Event(), start_seconds=1.0)

    assert patience.wait("this", lambda: True)
    assert not patience.wait("that", lambda: False, seconds=0.0)
    assert patience.unfinished == ["that"]


def test_a_stop_is_not_a_wait_in_vain() -> None:
    stop = Event()
    stop.set()
    patience = Patience(stop, start_seconds=1.0)

    with pytest.raises(Interrupted):
        patience.wait("this", lambda: False)
    assert patience.unfinished == []


def test_servers_that_are_away_are_asked_again() -> None:
    outages = [redis.ConnectionError(), redis.ConnectionError()]

    def ask() -> int:
        if outages:
            raise outages.pop()
        return 7

    assert through_outages(ask, Event()) == 7


def test_an_outage_is_raised_once_the_run_is_stopped() -> None:
    stop = Event()
    stop.set()

    def ask() -> int:
        raise redis.ConnectionError("away")

    with pytest.raises(redis.ConnectionError):
        through_outages(ask, stop)
