from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from angel_x.entrypoints.desk.views.words import (
    Text,
    Tone,
    age,
    change,
    clock,
    decimal,
    money,
    percent,
    price,
    signed_units,
    stamp,
    units,
)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1234567.00", "₹12,34,567.00"),
        ("-1234567.5", "\N{MINUS SIGN}₹12,34,567.50"),
        ("0", "₹0.00"),
        (None, "\N{EN DASH}"),
    ],
)
def test_money_is_grouped_in_lakhs(amount: str | None, text: str) -> None:
    assert money(None if amount is None else Decimal(amount)).text == text


@pytest.mark.parametrize(
    ("amount", "text", "tone"),
    [
        ("195", "▲ +₹195.00", Tone.GAIN),
        ("-150000.05", "▼ \N{MINUS SIGN}₹1,50,000.05", Tone.LOSS),
        ("0", "₹0.00", Tone.MUTED),
        (None, "\N{EN DASH}", Tone.MUTED),
    ],
)
def test_a_change_has_a_sign_and_an_arrow_beside_its_colour(
    amount: str | None, text: str, tone: Tone
) -> None:
    assert change(None if amount is None else Decimal(amount)) == Text(text, tone)


def test_prices_and_units_have_no_sign_of_a_currency() -> None:
    assert price(Decimal("123456.5")) == "1,23,456.50"
    assert units(-1234567) == "\N{MINUS SIGN}12,34,567"
    assert units(None) == price(None) == "\N{EN DASH}"


def test_a_short_position_is_named() -> None:
    assert signed_units(-130) == Text("\N{MINUS SIGN}130", Tone.LOSS, "short")
    assert signed_units(130) == Text("+130", Tone.PLAIN, "long")


@pytest.mark.parametrize(
    ("number", "places", "text"),
    [
        (-2186735.4, 0, "\N{MINUS SIGN}21,86,735"),
        (1234.567, 2, "1,234.57"),
        (-0.001, 2, "0.00"),
        (-0.25, 1, "\N{MINUS SIGN}0.2"),
        (None, 2, "\N{EN DASH}"),
    ],
)
def test_numbers_are_grouped_in_lakhs_and_zero_has_no_minus(
    number: float | None, places: int, text: str
) -> None:
    assert decimal(number, places) == text


def test_a_fraction_is_written_as_percent() -> None:
    assert percent(0.1362) == "13.6"
    assert percent(None) == "\N{EN DASH}"


def test_times_are_indian() -> None:
    moment = datetime(2026, 8, 25, 20, 0, 5, tzinfo=UTC)

    assert clock(moment) == "01:30:05"
    assert stamp(moment) == "26 Aug 01:30:05"
    assert clock(None) == stamp(None) == "\N{EN DASH}"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "never"), (0.42, "0.4 s"), (12.3, "12 s"), (185, "3 min"), (7300, "2 h")],
)
def test_an_age_has_one_unit(seconds: float | None, text: str) -> None:
    assert age(seconds) == text
