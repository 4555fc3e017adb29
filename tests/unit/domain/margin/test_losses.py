"""Packed losses, held against sixteen numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.margin.losses import (
    NO_LOSSES,
    SCENARIO_COUNT,
    Losses,
    largest,
    losses_by_contract,
)

#: Steps that one unit may lose or gain, the largest that is not refused as corrupt.
_MOST = 10**12
_BY_SCENARIO = st.lists(
    st.integers(-_MOST, _MOST), min_size=SCENARIO_COUNT, max_size=SCENARIO_COUNT
)
_UNITS = st.integers(-(2**80), 2**80)


@given(st.lists(st.tuples(_UNITS, _BY_SCENARIO), max_size=20))
def test_sums_of_packed_losses_are_those_of_each_scenario(
    held: list[tuple[int, list[int]]],
) -> None:
    packed = sum(units * Losses(losses).packed for units, losses in held)

    each = [sum(units * losses[k] for units, losses in held) for k in range(SCENARIO_COUNT)]
    assert largest(packed) == max(each)
    # The other end too: the smallest is the largest of the opposite position.
    assert -largest(-packed) == min(each)


@given(st.lists(_BY_SCENARIO, min_size=1, max_size=5))
def test_the_columns_of_an_array_are_packed_as_their_numbers_are(listed: list[list[int]]) -> None:
    found = losses_by_contract(np.array(listed, np.int64).T)

    assert [tuple(losses) for losses in found] == [tuple(losses) for losses in listed]
    assert [losses.packed for losses in found] == [Losses(losses).packed for losses in listed]


@given(_BY_SCENARIO)
def test_losses_are_the_positive_ones_less_the_gains(listed: list[int]) -> None:
    losses = Losses(listed)

    assert losses.up == Losses(max(loss, 0) for loss in listed).packed
    assert losses.down == Losses(max(-loss, 0) for loss in listed).packed


def test_nothing_is_lost_without_a_risk_array() -> None:
    assert NO_LOSSES == (0,) * SCENARIO_COUNT
    assert largest(NO_LOSSES.packed) == 0
