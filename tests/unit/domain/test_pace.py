from __future__ import annotations

from datetime import timedelta

import pytest

from angel_x.domain.pace import Every, Pace
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

    pace.slip(MARKET + after(1), NOW + after(1.9))
    assert pace.due(MARKET + after(2)) == NOW + after(2)

    pace.slip(MARKET + after(2), NOW + after(30))
    assert pace.due(MARKET + after(3)) == NOW + after(31)


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
def test_a_speed_that_leads_nowhere_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match=f"was {speed}"):
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
