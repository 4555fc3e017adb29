"""A contract, an option or a future on an index, and its symbol."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from angel_x.errors import InvalidSymbol


class Right(StrEnum):
    CALL = "CE"
    PUT = "PE"


MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_SYMBOL = re.compile(
    r"(?P<underlying>[A-Z0-9&-]{1,20})_(?P<day>\d{2})(?P<month>[A-Z]{3})(?P<year>\d{2})_"
    r"(?:(?P<strike>\d{1,7}(?:\.\d{1,2})?)(?P<right>CE|PE)|FUT)",
    re.ASCII,
)
#: The end of the symbol of a future.
FUTURE = "FUT"


@dataclass(frozen=True, slots=True)
class Contract:
    """A listed European option, or a future.

    Contracts on an index are settled in cash at the closing value of the index.  Options on a stock
    are settled by delivery, which is not supported: they are priced and shown, orders in them are
    refused, and imported positions are squared off before.  Futures on stocks are not listed.
    """

    symbol: str
    underlying: str
    expiry: date
    #: Rupees; zero for a future.
    strike: Decimal
    #: None for a future.
    right: Right | None
    #: Units in one lot.
    lot_size: int
    #: Rupees.
    tick_size: Decimal
    #: The most units of one order at the exchange.
    freeze_quantity: int
    #: The close of the session of the expiry day, UTC.
    expires_at: datetime


def format_symbol(underlying: str, expiry: date, strike: Decimal, right: Right) -> str:
    """Return the symbol, such as ``NIFTY_25AUG26_24050CE``."""
    return f"{symbol_prefix(underlying, expiry)}{_plain(strike)}{right}"


def format_future(underlying: str, expiry: date) -> str:
    """Return the symbol of a future, such as ``NIFTY_25AUG26_FUT``."""
    return f"{symbol_prefix(underlying, expiry)}{FUTURE}"


def is_future(symbol: str) -> bool:
    """Return whether a symbol, which is not validated, is that of a future."""
    return symbol.endswith(f"_{FUTURE}")


def symbol_prefix(underlying: str, expiry: date) -> str:
    """Return the common prefix of the symbols of a chain, such as ``NIFTY_25AUG26_``."""
    return f"{underlying}_{expiry.day:02d}{MONTHS[expiry.month - 1]}{expiry.year % 100:02d}_"


def strike_text(paise: int) -> str:
    """Write a strike in the format of symbols."""
    whole, rest = divmod(paise, 100)
    return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)


def parse_symbol(symbol: str) -> tuple[str, date, Decimal, Right]:
    """Return underlying, expiry, strike and right of an option.

    Raises:
        InvalidSymbol: The text is no symbol of an option or its date does not exist.
    """
    match = _SYMBOL.fullmatch(symbol)
    if match is None or match["right"] is None or match["month"] not in MONTHS:
        raise InvalidSymbol(f"symbol must be UNDERLYING_DDMMMYY_STRIKE(CE|PE), was {symbol}")
    return match["underlying"], _day(match), Decimal(match["strike"]), Right(match["right"])


@lru_cache(maxsize=8_192)
def parse_expiry(symbol: str) -> tuple[str, date]:
    """Return underlying and expiry of an option or a future.

    Raises:
        InvalidSymbol: The text is no symbol or its date does not exist.
    """
    match = _SYMBOL.fullmatch(symbol)
    if match is None or match["month"] not in MONTHS:
        raise InvalidSymbol(f"symbol must be UNDERLYING_DDMMMYY_(STRIKE(CE|PE)|FUT), was {symbol}")
    return match["underlying"], _day(match)


def underlying_of(symbol: str) -> str:
    """Return the underlying of a symbol, which is not validated."""
    return symbol.partition("_")[0]


def _day(match: re.Match[str]) -> date:
    month = MONTHS.index(match["month"]) + 1
    try:
        return date(2000 + int(match["year"]), month, int(match["day"]))
    except ValueError as error:
        raise InvalidSymbol(f"symbol must hold a date that exists, was {match[0]}") from error


def _plain(strike: Decimal) -> str:
    """Write a strike without an exponent and without trailing zeros."""
    text = f"{strike:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
