from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.contract import Right, format_symbol, parse_symbol
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
