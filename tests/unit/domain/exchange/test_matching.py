from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from angel_x.domain.exchange.matching import (
    ORDER,
    by_priority,
    crosses,
    slipped_paise,
    touch_paise,
    traded_paise,
    triggered,
    units_ahead,
)
from angel_x.domain.quotes.quote import QUOTE


def quotes(*rows: tuple[int, int]) -> np.ndarray:
    made = np.zeros(len(rows), QUOTE)
    made["bid"], made["ask"] = zip(*rows, strict=True)
    return made


def orders(*rows: dict[str, Any]) -> np.ndarray:
    made = np.zeros(len(rows), ORDER)
    for i, row in enumerate(rows):
        for name, value in row.items():
            made[i][name] = value
    return made


def test_a_purchase_trades_at_the_ask_and_a_sale_at_the_bid() -> None:
    touch = touch_paise(quotes((100, 105), (100, 105)), np.array([True, False]))

    assert touch.tolist() == [105, 100]


def test_a_crossed_or_empty_side_trades_nothing() -> None:
    is_buy = np.array([True, True, False])

    assert touch_paise(quotes((110, 105), (100, 0), (0, 105)), is_buy).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("is_buy", "touch", "limit", "expected"),
    [
        (True, 105, 105, True),
        (True, 105, 110, True),
        (True, 105, 104, False),
        (False, 100, 100, True),
        (False, 100, 95, True),
        (False, 100, 101, False),
        (True, 0, 100, False),
        (False, 0, 5, False),
    ],
)
def test_an_order_crosses_up_to_its_limit(
    *, is_buy: bool, touch: int, limit: int, expected: bool
) -> None:
    made = orders({"is_buy": is_buy, "limit": limit})

    assert crosses(made, np.array([touch])).tolist() == [expected]


@pytest.mark.parametrize(
    ("is_buy", "touch", "slip", "limit", "expected"),
    [
        (True, 105, 5, 120, 110),
        (True, 105, 20, 120, 120),
        (False, 100, 5, 80, 95),
        (False, 100, 25, 80, 80),
    ],
)
def test_slippage_stops_at_the_limit(
    *, is_buy: bool, touch: int, slip: int, limit: int, expected: int
) -> None:
    made = orders({"is_buy": is_buy, "limit": limit})

    assert slipped_paise(made, np.array([touch]), np.array([slip])).tolist() == [expected]


def test_an_order_that_rests_trades_at_its_limit_and_one_that_comes_in_at_the_touch() -> None:
    made = orders(
        *({"is_buy": is_buy, "limit": limit} for is_buy, limit in [(True, 120), (False, 80)])
    )
    touch, slip = np.array([105, 100]), np.array([5, 5])

    assert traded_paise(made, touch, slip, np.array([True, True])).tolist() == [120, 80]
    assert traded_paise(made, touch, slip, np.array([False, False])).tolist() == [110, 95]


@pytest.mark.parametrize(
    ("is_buy", "last", "is_alive"),
    [
        (True, 100, True),
        (True, 101, True),
        (True, 99, False),
        (False, 100, True),
        (False, 99, True),
        (False, 101, False),
        # Nothing has traded, which must not be taken for a price of nothing.
        (False, 0, False),
    ],
)
def test_a_stop_comes_alive_at_its_trigger(*, is_buy: bool, last: int, is_alive: bool) -> None:
    made = orders(
        {"is_buy": is_buy, "trigger": 100, "is_stopped": True},
        {"is_buy": is_buy, "trigger": 100, "is_stopped": False},
    )

    assert triggered(made, np.array([last, last])).tolist() == [is_alive, True]


def test_orders_are_ranked_by_contract_and_side_then_price_then_time() -> None:
    made = orders(
        {"row": 1, "is_buy": True, "limit": 100, "time_priority": 4},
        {"row": 1, "is_buy": True, "limit": 105, "time_priority": 5},
        {"row": 1, "is_buy": True, "limit": 100, "time_priority": 3},
        {"row": 1, "is_buy": False, "limit": 105, "time_priority": 1},
        {"row": 1, "is_buy": False, "limit": 100, "time_priority": 2},
        {"row": 0, "is_buy": True, "limit": 1, "time_priority": 9},
        {"row": 1, "is_buy": True, "limit": 90, "time_priority": 6},
    )

    assert by_priority(made, np.zeros(7, np.bool_)).tolist() == [5, 4, 3, 1, 2, 0, 6]
    assert by_priority(made, np.ones(7, np.bool_)).tolist() == [5, 4, 3, 1, 2, 0, 6]


def test_at_one_price_orders_that_rest_come_before_earlier_ones_that_come_in() -> None:
    made = orders(*({"limit": limit, "time_priority": n} for n, limit in enumerate([100, 100, 99])))

    assert by_priority(made, np.array([False, True, False])).tolist() == [2, 1, 0]


def test_ahead_are_the_units_of_others_of_the_same_contract_and_side() -> None:
    ranked = orders(
        *(
            {"row": row, "is_buy": is_buy, "leaves": leaves}
            for row, is_buy, leaves in [
                (0, False, 65),
                (0, True, 130),
                (0, True, 195),
                (0, True, 260),
                (2, True, 325),
            ]
        )
    )

    ahead = units_ahead(ranked, np.array([True, False, True, False, False]))

    assert ahead[[1, 3, 4]].tolist() == [0, 195, 0]


@pytest.mark.parametrize(
    ("bid", "ask", "bought", "sold"),
    [
        # Locked: both sides trade at the one price.
        (100, 100, 100, 100),
        # Crossed by as little as there is.
        (2, 1, 0, 0),
        # One side alone is crossed with nothing.
        (100, 0, 0, 100),
        (0, 100, 100, 0),
        (1, 1, 1, 1),
    ],
)
def test_a_quote_is_crossed_only_where_both_sides_stand_beyond_each_other(
    bid: int, ask: int, bought: int, sold: int
) -> None:
    touch = touch_paise(quotes((bid, ask), (bid, ask)), np.array([True, False]))

    assert touch.tolist() == [bought, sold]


def test_a_price_of_one_paisa_is_a_price() -> None:
    sale = orders({"is_buy": False, "limit": 1, "trigger": 1, "is_stopped": True})

    assert triggered(sale, np.array([1])).tolist() == [True]
    assert crosses(sale, np.array([1])).tolist() == [True]
