"""The forward of a chain: from its options, from its future, from its spot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from angel_x.domain.pricing.forward import (
    FEWEST_STRIKES,
    STRIKES_EACH_SIDE,
    Chains,
    ForwardSource,
    Pairs,
    implied_forwards,
)
from angel_x.pricing import greeks

SPOT, RATE = 24_000.0, 0.065
YEARS = np.array([0.02, 0.1])
#: Carry above and below the rate, which only the options know of.
FORWARDS = SPOT * np.exp(np.array([0.11, 0.03]) * YEARS)
FUTURES = FORWARDS + 3.0
CARRIED = SPOT * np.exp(RATE * YEARS)
STRIKES = np.arange(23_000.0, 25_050.0, 50.0)
NOTHING = np.full(2, np.nan)

Breaking = Callable[[Pairs, np.ndarray], None]


def chains(**changes: Any) -> Chains:
    columns: dict[str, Any] = {
        "spot": np.full(2, SPOT),
        "years": YEARS,
        "future": NOTHING,
        "rate": RATE,
    }
    return Chains(**columns | changes)


def pairs() -> Pairs:
    """Return exact marks of both chains, bid and asked a rupee apart on either side of a strike."""
    chain = np.repeat(np.arange(2), STRIKES.size)
    strike = np.tile(STRIKES, 2)
    call, put = (
        greeks(FORWARDS[chain], strike, YEARS[chain], RATE, RATE, 0.15, np.full(chain.shape, side))
        for side in (True, False)
    )
    return Pairs(chain, strike, call["price"], put["price"], np.full(strike.shape, 2.0))


def untight(made: Pairs) -> Pairs:
    """Leave nothing but last prices."""
    return made._replace(spread=np.full(made.strike.shape, np.inf))


def of_first(made: Pairs, within: float = np.inf) -> np.ndarray:
    near: np.ndarray = (made.chain == 0) & (np.abs(made.strike - SPOT) <= within)
    return near


def named(source: np.ndarray) -> list[str]:
    return [ForwardSource(code).name for code in source]


def test_exact_quotes_give_back_the_forward_of_every_chain() -> None:
    forward, source = implied_forwards(pairs(), chains(future=FUTURES))

    assert forward == pytest.approx(FORWARDS, rel=1e-12)
    assert named(source) == ["PARITY", "PARITY"]


def test_a_future_comes_before_last_prices_and_after_quotes() -> None:
    made = pairs()
    made.spread[of_first(made)] = np.inf

    forward, source = implied_forwards(made, chains(future=FUTURES))

    assert named(source) == ["FUTURES", "PARITY"]
    assert forward == pytest.approx([FUTURES[0], FORWARDS[1]], rel=1e-12)


def test_without_a_future_last_prices_count() -> None:
    forward, source = implied_forwards(untight(pairs()), chains())

    assert forward == pytest.approx(FORWARDS, rel=1e-12)
    assert named(source) == ["PARITY", "PARITY"]


def test_last_prices_do_not_touch_a_forward_that_quotes_tell() -> None:
    made = pairs()
    old = of_first(made, 400.0) & (np.arange(made.strike.size) % 2 == 0)
    made.spread[old] = np.inf
    made.call[old] += 700.0

    forward, source = implied_forwards(made, chains())

    assert forward == pytest.approx(FORWARDS, rel=1e-12)
    assert named(source) == ["PARITY", "PARITY"]


def test_a_wide_quote_counts_no_more_than_a_last_price() -> None:
    made = pairs()
    made.spread[of_first(made)] = 0.003 * SPOT

    assert named(implied_forwards(made, chains(future=FUTURES))[1]) == ["FUTURES", "PARITY"]


def _absurd(made: Pairs, rows: np.ndarray) -> None:
    made.call[rows] += 4_000.0


def _absurd_put(made: Pairs, rows: np.ndarray) -> None:
    made.put[rows] = 1e6


def _missing(made: Pairs, rows: np.ndarray) -> None:
    made.call[rows] = np.nan


def _missing_put(made: Pairs, rows: np.ndarray) -> None:
    made.put[rows] = np.nan


def _infinite(made: Pairs, rows: np.ndarray) -> None:
    made.call[rows] = np.inf


def _both_missing(made: Pairs, rows: np.ndarray) -> None:
    made.call[rows] = made.put[rows] = made.spread[rows] = np.nan


BROKEN = [_absurd, _absurd_put, _missing, _missing_put, _infinite, _both_missing]


@pytest.mark.parametrize("break_rows", BROKEN)
def test_two_broken_strikes_among_the_nearest_do_not_move_the_forward(break_rows: Breaking) -> None:
    made = pairs()
    break_rows(made, of_first(made) & np.isin(made.strike, [24_000.0, 24_050.0]))

    forward, source = implied_forwards(made, chains())

    assert forward == pytest.approx(FORWARDS, rel=1e-12)
    assert named(source) == ["PARITY", "PARITY"]


@pytest.mark.parametrize("break_rows", BROKEN)
def test_a_broken_chain_falls_back_and_leaves_its_neighbor_alone(break_rows: Breaking) -> None:
    made = pairs()
    break_rows(made, of_first(made))

    forward, source = implied_forwards(made, chains())
    with_future, its_source = implied_forwards(made, chains(future=FUTURES))

    assert named(source) == ["SPOT_CARRY", "PARITY"]
    assert forward == pytest.approx([CARRIED[0], FORWARDS[1]], rel=1e-12)
    assert named(its_source) == ["FUTURES", "PARITY"]
    assert with_future == pytest.approx([FUTURES[0], FORWARDS[1]], rel=1e-12)


def test_missing_strikes_are_replaced_by_the_next_nearest() -> None:
    made = pairs()
    made.call[of_first(made, 200.0)] = np.nan

    forward, source = implied_forwards(made, chains())

    assert forward == pytest.approx(FORWARDS, rel=1e-12)
    assert named(source) == ["PARITY", "PARITY"]


def test_strikes_far_from_the_money_are_not_asked() -> None:
    made = pairs()
    made.call[of_first(made, STRIKES_EACH_SIDE * 50.0)] = np.nan

    assert named(implied_forwards(made, chains())[1]) == ["SPOT_CARRY", "PARITY"]


@pytest.mark.parametrize("answers", range(FEWEST_STRIKES + 1))
def test_fewer_than_three_answers_make_no_median(answers: int) -> None:
    made = pairs()
    first = np.flatnonzero(of_first(made, 300.0))
    made.put[of_first(made)] = np.nan
    made.put[first[:answers]] = pairs().put[first[:answers]]

    forward, source = implied_forwards(made, chains())

    enough = answers >= FEWEST_STRIKES
    assert named(source) == ["PARITY" if enough else "SPOT_CARRY", "PARITY"]
    assert forward[0] == pytest.approx(FORWARDS[0] if enough else CARRIED[0], rel=1e-12)


def test_an_even_number_of_answers_meets_in_the_middle() -> None:
    made = pairs()
    first = np.flatnonzero(of_first(made, 75.0))
    made.call[first] += np.array([-3.0, 0.0, 5.0])
    made.call[np.setdiff1d(np.flatnonzero(of_first(made)), [*first, first[-1] + 1])] = np.nan

    forward, _ = implied_forwards(made, chains())

    growth = np.exp(RATE * YEARS[0])
    shifts = np.array([-3.0, 0.0, 5.0, 0.0]) * growth
    assert forward[0] == pytest.approx(FORWARDS[0] + np.median(shifts), rel=1e-12)


@pytest.mark.parametrize(
    "future", [0.0, -1.0, np.nan, np.inf, SPOT * 1.07, SPOT * 0.93, SPOT / 100]
)
def test_a_future_that_cannot_be_is_not_believed(future: float) -> None:
    none = Pairs(np.zeros(0, np.intp), *(np.zeros(0) for _ in range(4)))

    forward, source = implied_forwards(none, chains(future=np.full(2, future)))

    distant_enough = abs(future / SPOT - 1) < 0.1
    assert named(source) == ["SPOT_CARRY", "FUTURES" if distant_enough else "SPOT_CARRY"]
    assert forward[0] == pytest.approx(CARRIED[0], rel=1e-15)


def test_an_expired_chain_has_its_spot_for_a_forward() -> None:
    forward, source = implied_forwards(pairs(), chains(years=np.array([0.0, -1.0]), future=FUTURES))

    assert (forward == SPOT).all()
    assert named(source) == ["SPOT_CARRY", "SPOT_CARRY"]


def test_an_underlying_without_a_spot_has_no_forward() -> None:
    spots = np.array([np.nan, SPOT])

    forward, source = implied_forwards(pairs(), chains(spot=spots, future=FUTURES))

    assert np.isnan(forward[0])
    assert named(source) == ["SPOT_CARRY", "PARITY"]
    assert forward[1] == pytest.approx(FORWARDS[1], rel=1e-12)


def test_a_spot_beyond_all_strikes_still_finds_the_nearest() -> None:
    made = pairs()
    beyond = np.where(made.chain == 0, made.strike < SPOT - 100.0, True)  # noqa: FBT003 - a value
    rows = np.flatnonzero(beyond)

    forward, source = implied_forwards(Pairs._make(c[rows] for c in made), chains())

    assert forward == pytest.approx(FORWARDS, rel=1e-12)
    assert named(source) == ["PARITY", "PARITY"]
