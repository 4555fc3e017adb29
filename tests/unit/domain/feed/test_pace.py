from __future__ import annotations

import re
from datetime import timedelta

import pytest

from angel_x.domain.feed.pace import Every, Pace
from tests.builders.markets import NOW

MARKET = NOW - timedelta(days=90)


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_market_time_runs_at_its_speed() -> None:
    pace = Pace(60)
    pace.begin(MARKET, NOW)

    assert pace.market(NOW + after(2)) == MARKET + after(120)
    assert pace.due(MARKET + after(120)) == NOW + after(2)


def test_a_move_that_is_much_too_late_is_the_new_beginning() -> None:
    pace = Pace(1)
    pace.begin(MARKET, NOW)

    assert not pace.slip(MARKET + after(1), NOW + after(1.9))
    assert pace.due(MARKET + after(2)) == NOW + after(2)

    assert pace.slip(MARKET + after(2), NOW + after(30))
    assert pace.due(MARKET + after(3)) == NOW + after(31)


@pytest.mark.parametrize("speed", [0, -1, 1e-4, 1e6, 1e308, float("nan"), float("inf")])
def test_a_speed_that_leads_nowhere_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match=re.escape(f"was {speed}")):
        Pace(speed)


def test_an_interval_is_over_once() -> None:
    every = Every(after(5))

    moments = (0, 1, 4.9, 5, 6, 10, 30, 31)
    assert [every.is_time(NOW + after(s)) for s in moments] == [
        True,
        False,
        False,
        True,
        False,
        True,
        True,
        False,
    ]


def test_what_is_wanted_at_once_does_not_wait_for_the_interval() -> None:
    every = Every(after(5))
    assert every.is_time(NOW)

    every.at_once()

    assert every.is_time(NOW)
    assert not every.is_time(NOW)


def test_a_clock_that_was_set_back_does_not_stop_the_interval() -> None:
    every = Every(after(5))
    assert every.is_time(NOW)

    assert every.is_time(NOW - after(3_600))


@pytest.fixture
def pace() -> Pace:
    made = Pace(60.0)
    made.begin(MARKET, NOW)
    return made


def test_a_paused_market_stands_and_goes_on_from_there(pace: Pace) -> None:
    pace.pause(NOW + after(2))
    assert pace.is_paused
    assert pace.market(NOW + after(500)) == MARKET + after(120)
    assert pace.due(MARKET) > NOW + timedelta(days=365)

    pace.resume(NOW + after(500))
    assert pace.market(NOW + after(501)) == MARKET + after(180)
    assert pace.due(MARKET + after(240)) == NOW + after(502)


def test_a_second_pause_or_resume_changes_nothing(pace: Pace) -> None:
    pace.pause(NOW + after(2))
    pace.pause(NOW + after(5))
    pace.resume(NOW + after(10))
    pace.resume(NOW + after(11))

    assert pace.market(NOW + after(11)) == MARKET + after(180)


def test_another_speed_holds_from_the_moment_on(pace: Pace) -> None:
    pace.change(10.0, NOW + after(1))

    assert pace.market(NOW + after(2)) == MARKET + after(70)
    with pytest.raises(ValueError, match=r"must be from 0\.001 to 100,000, was 0"):
        pace.change(0, NOW + after(3))
    assert pace.speed == 10.0


def test_a_change_of_speed_while_paused_does_not_move_the_market(pace: Pace) -> None:
    pace.pause(NOW + after(1))
    pace.change(1.0, NOW + after(100))
    pace.resume(NOW + after(200))

    assert pace.market(NOW + after(203)) == MARKET + after(63)


def test_a_paused_market_is_never_late(pace: Pace) -> None:
    pace.pause(NOW)

    assert not pace.slip(MARKET - after(600), NOW + timedelta(days=999))

    assert pace.market(NOW) == MARKET
