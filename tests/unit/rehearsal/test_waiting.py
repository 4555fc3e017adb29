from __future__ import annotations

from threading import Event

import pytest
import redis

from angel_x.rehearsal.waiting import holds_within, through_outages

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
