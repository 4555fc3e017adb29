from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from angel_x.entrypoints.presentation import indian


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1,000"),
        (99_999, "99,999"),
        (100_000, "1,00,000"),
        (12_345_678, "1,23,45,678"),
        (-1_000_000, "-10,00,000"),
    ],
)
def test_numbers_are_grouped_in_lakhs_and_crores(number: int, written: str) -> None:
    assert indian.grouped(number) == written


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0", "₹0.00"),
        ("10000000", "₹1,00,00,000.00"),
        ("-1234567.895", "-₹12,34,567.90"),
        ("0.005", "₹0.01"),
    ],
)
def test_amounts_are_written_to_the_paisa(amount: str, written: str) -> None:
    assert indian.rupees(Decimal(amount)) == written


def test_whole_rupees_have_no_paise() -> None:
    assert indian.whole(Decimal("123456.51")) == "₹1,23,457"


def test_what_is_unknown_is_a_dash() -> None:
    assert indian.rupees(None) == indian.decimals(None, 2) == indian.ist(None) == "-"


def test_times_are_those_of_india() -> None:
    assert indian.ist(datetime(2026, 8, 19, 20, 0, tzinfo=UTC)) == "20 Aug 01:30:00"
