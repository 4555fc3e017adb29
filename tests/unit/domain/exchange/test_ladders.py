from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.exchange.ladders import LADDER, RUNG, cut, ladders_of, market_levels
from angel_x.domain.exchange.matching import ORDER, crosses, touch_paise, triggered
from angel_x.domain.quotes.quote import QUOTE

prices = st.integers(0, 6)


@given(
    bid=prices,
    ask=prices,
    last=prices,
    is_buy=st.booleans(),
    is_stopped=st.booleans(),
    price=st.integers(1, 6),
)
def test_the_market_reaches_an_order_that_is_triggered_or_marketable_and_no_other(
    bid: int, ask: int, last: int, *, is_buy: bool, is_stopped: bool, price: int
) -> None:
    quotes, order, ladder = np.zeros(1, QUOTE), np.zeros(1, ORDER), np.zeros(1, LADDER)
    quotes["bid"], quotes["ask"], quotes["last"] = bid, ask, last
    order["is_buy"] = ladder["is_buy"] = is_buy
    order["is_stopped"] = ladder["is_stopped"] = is_stopped
    order["limit"] = order["trigger"] = price
    level = price if is_buy is is_stopped else -price

    reached = level <= market_levels(ladder, quotes)

    if is_stopped:
        assert reached == triggered(order, quotes["last"])
    else:
        assert reached == crosses(order, touch_paise(quotes, order["is_buy"]))


def test_a_contract_has_a_ladder_for_each_side_and_for_its_stops_as_far_as_it_is_quoted() -> None:
    quotes = np.zeros(3, QUOTE)
    quotes["bid"], quotes["ask"], quotes["last"] = [100, 0, 110], [105, 105, 100], [102, 0, 0]

    found = ladders_of(np.array([7, 8, 9]), quotes).tolist()

    assert sorted(found) == [
        (7, False, False, 100),
        (7, False, True, -102),
        (7, True, False, -105),
        (7, True, True, 102),
        (8, True, False, -105),
    ]


def test_a_page_is_cut_behind_the_order_that_uses_up_the_room_of_its_ladder() -> None:
    rungs = np.zeros(6, RUNG)
    rungs["ladder"] = [0, 0, 0, 2, 2, 2]
    rungs["leaves"] = [65, 65, 65, 130, 65, 65]

    kept = cut(rungs, np.array([130, 0, 65]))

    assert kept.tolist() == [True, True, False, True, False, False]
