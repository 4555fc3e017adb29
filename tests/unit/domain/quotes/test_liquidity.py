from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.exchange.matching import ORDER
from angel_x.domain.quotes.liquidity import claims_of, shared
from angel_x.domain.quotes.quote import QUOTE
from tests.builders.chains import make_universe

UNIVERSE = make_universe(strikes=(24_000, 24_100))
LOT = 65


def ranked(*rows: tuple[int, bool, int]) -> np.ndarray:
    made = np.zeros(len(rows), ORDER)
    made["row"], made["is_buy"], made["leaves"] = zip(*rows, strict=True)
    return made


def test_each_contract_and_side_is_one_claim() -> None:
    orders = ranked((0, False, 65), (0, True, 130), (0, True, 65), (2, True, 65))
    quotes = np.zeros(4, QUOTE)
    quotes["time"], quotes["volume"] = 7, 9
    quotes["bid"], quotes["ask"], quotes["bid_size"], quotes["ask_size"] = 100, 105, 650, 700

    claims, starts = claims_of(orders, quotes, np.zeros(4, np.int64), UNIVERSE)

    assert starts.tolist() == [0, 1, 3]
    assert claims.tolist() == [
        (0, 0, 7, 100, 650, 9, 650, 65),
        (0, 1, 7, 105, 700, 9, 650, 195),
        (2, 1, 7, 105, 700, 9, 650, 65),
    ]


def test_orders_behind_others_claim_what_those_leave() -> None:
    quotes = np.zeros(3, QUOTE)
    quotes["ask"], quotes["ask_size"] = 105, 3 * LOT
    orders = ranked(*[(0, True, LOT)] * 3)

    claims, starts = claims_of(orders, quotes, np.array([0, LOT, 4 * LOT]), UNIVERSE)

    assert starts.tolist() == [0, 1, 2]
    assert claims["displayed"].tolist() == [3 * LOT, 2 * LOT, 0]


def test_no_size_stands_for_the_freeze_quantity_in_whole_lots() -> None:
    quotes = np.zeros(1, QUOTE)
    quotes["ask"] = 105

    claims, _ = claims_of(ranked((0, True, 65)), quotes, np.zeros(1, np.int64), UNIVERSE)

    assert claims["displayed"].tolist() == [1_800 // LOT * LOT]


@given(st.lists(st.tuples(st.lists(st.integers(1, 9), min_size=1), st.integers(0, 30)), min_size=1))
def test_what_is_granted_goes_to_the_first_until_it_is_gone(
    groups: list[tuple[list[int], int]],
) -> None:
    leaves = [n for members, _ in groups for n in members]
    starts = np.cumsum([0, *(len(members) for members, _ in groups)])[:-1]
    granted = [min(sum(members), units) for members, units in groups]
    expected = []
    for (members, _), units in zip(groups, granted, strict=True):
        left = units
        for wanted in members:
            expected.append(min(wanted, left))
            left -= expected[-1]

    quantities = shared(np.array(leaves), starts, np.array(granted))

    assert quantities.tolist() == expected


def test_purchases_of_one_contract_and_sales_of_the_next_are_two_claims() -> None:
    orders = ranked((0, True, 65), (1, False, 130))

    claims, starts = claims_of(orders, np.zeros(2, QUOTE), np.zeros(2, np.int64), UNIVERSE)

    assert starts.tolist() == [0, 1]
    assert claims[["row", "is_buy", "wanted"]].tolist() == [(0, 1, 65), (1, 0, 130)]
