from __future__ import annotations

import numpy as np

from angel_x.domain.feed.token_choice import nearest_rows
from tests.builders.chains import EXPIRIES, make_universe

UNIVERSE = make_universe(strikes=(23_500, 23_900, 24_000, 24_100, 24_600))
ALL = np.arange(len(UNIVERSE))
NONE = np.zeros(0, np.int64)


def symbols(rows: np.ndarray) -> list[str]:
    return [UNIVERSE.symbol(row) for row in rows.tolist()]


def strikes(spot: float, most: int, rows: np.ndarray = ALL, held: np.ndarray = NONE) -> list[float]:
    chosen = nearest_rows(UNIVERSE, np.array([spot]), rows, held, most)
    return [float(UNIVERSE.strike[row]) for row in chosen.tolist()]


def test_the_nearest_strikes_of_the_next_expiry_come_first() -> None:
    chosen = nearest_rows(UNIVERSE, np.array([24_010.0]), ALL, NONE, 6)

    assert [float(UNIVERSE.strike[row]) for row in chosen.tolist()] == [24_000] * 2 + [
        24_100
    ] * 2 + [23_900] * 2
    assert {UNIVERSE.chains[UNIVERSE.chain_index[row]].expiry for row in chosen.tolist()} == {
        EXPIRIES[0]
    }


def test_a_later_expiry_counts_as_much_as_a_strike_two_percent_away() -> None:
    chosen = nearest_rows(UNIVERSE, np.array([24_000.0]), ALL, NONE, len(ALL))
    places = {row: place for place, row in enumerate(chosen.tolist())}
    far, next_money = UNIVERSE.row(_symbol(0, 24_600)), UNIVERSE.row(_symbol(1, 24_000))

    assert far is not None
    assert next_money is not None
    # 600 of 24,000 is 2.5 percent.
    assert places[next_money] < places[far]


def test_contracts_that_are_held_come_before_all_others() -> None:
    held = np.array([UNIVERSE.row(_symbol(0, 24_600))])

    assert strikes(24_000, 3, held=held) == [24_600, 24_000, 24_000]


def test_only_given_rows_are_chosen() -> None:
    rows = np.array([UNIVERSE.row(_symbol(0, 23_500)), UNIVERSE.row(_symbol(0, 24_600))])

    assert strikes(24_000, 10, rows) == [23_500, 24_600]
    assert strikes(24_000, 0) == []


def _symbol(expiry: int, strike: int) -> str:
    return next(
        symbol
        for symbol in UNIVERSE.symbols
        if symbol.endswith(f"_{strike}CE")
        and UNIVERSE.chains[UNIVERSE.chain_index[UNIVERSE.rows[symbol]]].expiry == EXPIRIES[expiry]
    )
