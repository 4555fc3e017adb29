from __future__ import annotations

from angel_x.adapters.angel_one.calls import RATES, Rate
from angel_x.rehearsal.fake_exchange.throttle import Throttle


def test_no_window_of_a_second_holds_more_than_the_limit() -> None:
    now = [1000.0]
    throttle = Throttle(lambda: now[0])

    assert all(throttle.lets_in("A", Rate.ORDERS) for _ in range(9))
    now[0] += 0.999
    assert not throttle.lets_in("A", Rate.ORDERS)
    assert throttle.lets_in("B", Rate.ORDERS)
    now[0] += 0.001
    assert throttle.lets_in("A", Rate.ORDERS)
    assert (throttle.let_in[Rate.ORDERS], throttle.over[Rate.ORDERS]) == (11, 1)


def test_minutes_and_hours_have_limits_of_their_own() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0])

    def let_in(until: float) -> int:
        found = 0
        while now[0] < until:
            found += throttle.lets_in("A", Rate.ORDERS)
            now[0] += 0.112
        return found

    assert let_in(60) == 500
    assert let_in(3600) == 500


#: Section 3 of the wire contract: requests a second, a minute and an hour; zero is no limit.
PUBLISHED = {
    Rate.LOGIN: (1, 0, 0),
    Rate.RENEWAL: (1, 0, 1000),
    Rate.LOGOUT: (1, 0, 0),
    Rate.PROFILE: (3, 0, 1000),
    Rate.FUNDS: (2, 0, 0),
    Rate.ORDERS: (9, 500, 1000),
    Rate.ORDER_BOOK: (1, 0, 0),
    Rate.DETAILS: (10, 500, 5000),
    Rate.TRADE_BOOK: (1, 0, 0),
    Rate.POSITIONS: (1, 0, 0),
    Rate.SEARCH: (1, 0, 0),
    Rate.QUOTE: (10, 500, 5000),
    Rate.MARGIN: (10, 500, 5000),
    Rate.CONVERSION: (10, 500, 5000),
    Rate.CANDLES: (3, 180, 5000),
    Rate.GREEKS: (1, 0, 0),
}


def test_the_limits_are_those_that_the_broker_publishes() -> None:
    spans = (1.0, 60.0, 3600.0)

    assert {
        rate: tuple(dict(windows).get(span, 0) for span in spans) for rate, windows in RATES.items()
    } == PUBLISHED
    assert set(Rate) == set(PUBLISHED)
