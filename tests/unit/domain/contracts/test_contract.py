from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.contracts.contract import (
    Right,
    format_future,
    format_symbol,
    is_future,
    parse_expiry,
    parse_symbol,
    strike_text,
    underlying_of,
)
from angel_x.errors import InvalidSymbol


def test_a_symbol_names_underlying_expiry_strike_and_right() -> None:
    symbol = format_symbol("NIFTY", date(2026, 8, 25), Decimal("24050.00"), Right.CALL)

    assert symbol == "NIFTY_25AUG26_24050CE"
    assert parse_symbol(symbol) == ("NIFTY", date(2026, 8, 25), Decimal(24050), Right.CALL)


@given(
    st.from_regex(r"[A-Z0-9&-]{1,20}", fullmatch=True),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.decimals(Decimal("0.05"), Decimal(9_999_999), places=2),
    st.sampled_from(Right),
)
def test_what_is_written_is_read_back(
    underlying: str, expiry: date, strike: Decimal, right: Right
) -> None:
    symbol = format_symbol(underlying, expiry, strike, right)

    assert parse_symbol(symbol) == (underlying, expiry, strike, right)


def test_a_large_round_strike_is_written_without_an_exponent() -> None:
    symbol = format_symbol("SENSEX", date(2026, 8, 25), Decimal("8E+4"), Right.PUT)

    assert symbol == "SENSEX_25AUG26_80000PE"


@pytest.mark.parametrize(
    "symbol",
    [
        "",
        "NIFTY",
        "nifty_25AUG26_24050CE",
        "NIFTY_25AUG26_24050XX",
        "NIFTY_25AUX26_24050CE",
        "NIFTY_31FEB26_24050CE",
        "NIFTY_25AUG26_-1CE",
        "NIFTY_25AUG26_24050.123CE",
        "NIFTY_25AUG26_24050CE ",
        "NIFTY_25AUG26_24050CE\n",
        "NIFTY_25AUG2026_24050CE",
    ],
)
def test_what_is_no_symbol_is_refused_with_its_text(symbol: str) -> None:
    with pytest.raises(InvalidSymbol) as refused:
        parse_symbol(symbol)

    assert str(refused.value).endswith(f"was {symbol}")


@pytest.mark.parametrize(
    ("paise", "text"),
    [
        (2_405_000, "24050"),
        (2_405_050, "24050.5"),
        (2_405_005, "24050.05"),
        (100, "1"),
        (99, "0.99"),
        (5, "0.05"),
    ],
)
def test_a_strike_is_written_with_as_many_places_as_it_has(paise: int, text: str) -> None:
    symbol = f"NIFTY_25AUG26_{text}CE"

    assert strike_text(paise) == text
    strike = Decimal(paise) / 100
    assert format_symbol("NIFTY", date(2026, 8, 25), strike, Right.CALL) == symbol
    assert format_symbol("NIFTY", date(2026, 8, 25), strike.quantize(Decimal("0.01")), Right.CALL)
    assert underlying_of(symbol) == "NIFTY"


@pytest.mark.parametrize(
    ("month", "name"),
    [
        (1, "JAN"),
        (2, "FEB"),
        (3, "MAR"),
        (4, "APR"),
        (5, "MAY"),
        (6, "JUN"),
        (7, "JUL"),
        (8, "AUG"),
        (9, "SEP"),
        (10, "OCT"),
        (11, "NOV"),
        (12, "DEC"),
    ],
)
def test_every_month_has_its_name_in_symbols(month: int, name: str) -> None:
    symbol = f"NIFTY_01{name}09_100PE"

    assert parse_symbol(symbol) == ("NIFTY", date(2009, month, 1), Decimal(100), Right.PUT)
    assert format_symbol("NIFTY", date(2009, month, 1), Decimal(100), Right.PUT) == symbol


@pytest.mark.parametrize(
    ("symbol", "is_one"),
    [
        (f"{'A' * 20}_25AUG26_1CE", True),
        (f"{'A' * 21}_25AUG26_1CE", False),
        ("_25AUG26_1CE", False),
        ("NIFTY_25AUG26_9999999CE", True),
        ("NIFTY_25AUG26_10000000CE", False),
        ("NIFTY_25AUG26_CE", False),
        ("NIFTY_25AUG26_1.05CE", True),
        ("NIFTY_25AUG26_1.CE", False),
        ("NIFTY_29FEB28_1CE", True),
        ("NIFTY_29FEB27_1CE", False),
        ("NIFTY_00AUG26_1CE", False),
    ],
)
def test_a_symbol_is_as_long_as_its_parts_may_be(symbol: str, *, is_one: bool) -> None:
    if is_one:
        assert format_symbol(*parse_symbol(symbol)) == symbol
    else:
        with pytest.raises(InvalidSymbol):
            parse_symbol(symbol)


def test_the_symbol_of_a_future_has_its_expiry_and_no_strike() -> None:
    symbol = format_future("NIFTY", date(2026, 12, 29))

    assert symbol == "NIFTY_29DEC26_FUT"
    assert parse_expiry(symbol) == ("NIFTY", date(2026, 12, 29))
    assert is_future(symbol)
    with pytest.raises(InvalidSymbol, match="STRIKE"):
        parse_symbol(symbol)


def test_the_expiry_of_an_option_is_read_as_well() -> None:
    assert parse_expiry("NIFTY_25AUG26_24050CE") == ("NIFTY", date(2026, 8, 25))
    assert not is_future("NIFTY_25AUG26_24050CE")


@pytest.mark.parametrize("symbol", ["NIFTY_31FEB26_FUT", "NIFTY_25XXX26_FUT", "NIFTY_FUT", "FUT"])
def test_a_future_needs_a_date_that_exists(symbol: str) -> None:
    with pytest.raises(InvalidSymbol):
        parse_expiry(symbol)
