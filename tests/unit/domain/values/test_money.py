from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.values.money import PAISA, ZERO, paise, rupees, to_paisa


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("1.005", "1.01"), ("-1.005", "-1.01"), ("1.0049", "1.00"), ("2", "2.00"), ("0", "0.00")],
)
def test_halves_are_rounded_away_from_zero(amount: str, rounded: str) -> None:
    assert str(to_paisa(Decimal(amount))) == rounded


@given(st.integers(-(10**18), 10**18))
def test_paise_and_rupees_are_the_same_money(amount: int) -> None:
    assert paise(rupees(amount)) == amount
    assert rupees(amount).as_tuple().exponent == -2


def test_the_constants_are_to_the_paisa() -> None:
    assert paise(PAISA) == 1
    assert str(ZERO) == "0.00"
