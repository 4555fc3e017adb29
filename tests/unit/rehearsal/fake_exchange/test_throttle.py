from __future__ import annotations

from angel_x.adapters.angel_one.calls import Rate
from angel_x.rehearsal.fake_exchange.throttle import Throttle
from tests.builders.limits import shipped


def test_no_window_of_a_second_holds_more_than_the_limit() -> None:
    now = [1000.0]
    throttle = Throttle(lambda: now[0], shipped)

    assert all(throttle.lets_in("A", Rate.ORDERS) for _ in range(9))
    now[0] += 0.999
    assert not throttle.lets_in("A", Rate.ORDERS)
    assert throttle.lets_in("B", Rate.ORDERS)
    now[0] += 0.001
    assert throttle.lets_in("A", Rate.ORDERS)
    assert (throttle.let_in[Rate.ORDERS], throttle.over[Rate.ORDERS]) == (11, 1)


def test_minutes_and_hours_have_limits_of_their_own() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0], shipped)

    def let_in(until: float) -> int:
        found = 0
        while now[0] < until:
            found += throttle.lets_in("A", Rate.ORDERS)
            now[0] += 0.112
        return found

    assert let_in(60) == 500
    assert let_in(3600) == 500
