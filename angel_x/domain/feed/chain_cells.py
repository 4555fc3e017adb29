"""The cells of a recorded chain: valid values and their meaning, by column."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal

from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import Right
from angel_x.domain.values.written_number import RULE, is_plain, plain, written_decimal

_TIMESTAMP_LENGTH = len("YYYYMMDDHHMM")
#: The largest amount that fits a quote; index options are far below it.
_MOST_RUPEES = 10_000_000
_MOST_LOTS = 1e12
_FINEST_STRIKE = Decimal("0.01")


class CellFault(Exception):
    """A cell that cannot be read; the message ends with the offending value."""

    def __init__(self, column: str, detail: str) -> None:
        super().__init__(detail)
        self.column = column


def moment(text: str) -> datetime:
    """Return the time of a snapshot, written in India as YYYYMMDDHHMM, in UTC."""
    if len(text) == _TIMESTAMP_LENGTH and is_plain(text):
        with suppress(ValueError):
            return datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=IST).astimezone(UTC)
    raise CellFault("timestamp", f"must be YYYYMMDDHHMM, was {text}")


def expiry(text: str, column: str = "expiry") -> date:
    try:
        return datetime.strptime(str(plain(text)), "%d-%b-%Y").replace(tzinfo=IST).date()
    except ValueError as error:
        raise CellFault(column, f"must be a date such as 25-Aug-2026, was {text}") from error


def strike(text: str, column: str = "strike") -> Decimal:
    """Return the strike in rupees."""
    try:
        value = written_decimal(text)
    except ValueError as error:
        raise CellFault(column, f"{RULE}, was {text}") from error
    if not value.is_finite() or not 0 < value < _MOST_RUPEES:
        raise CellFault(column, f"must be positive and below {_MOST_RUPEES}, was {text}")
    if value % _FINEST_STRIKE:
        raise CellFault(column, f"must be whole paise, was {text}")
    return value


def no_strike(text: str) -> None:
    """Refuse the strike of a future, which has none."""
    try:
        is_none = written_decimal(text) == 0
    except ValueError:
        is_none = False
    if not is_none:
        raise CellFault("strike", f"must be 0 in a row of a future, was {text}")


def right(text: str, column: str = "option_type") -> Right:
    try:
        return Right(text)
    except ValueError as error:
        raise CellFault(column, f"must be CE or PE, was {text}") from error


def price_paise(column: str, text: str) -> int:
    """Return an amount of rupees in paise, rounded to the nearest one."""
    return round(_amount(column, text, _MOST_RUPEES) * 100.0)


def lots(column: str, text: str) -> int:
    return int(_amount(column, text, _MOST_LOTS))


def _amount(column: str, text: str, most: float) -> float:
    try:
        value = float(written_decimal(text))
    except ValueError as error:
        raise CellFault(column, f"{RULE}, was {text}") from error
    if value < 0:
        raise CellFault(column, f"must not be negative, was {text}")
    if not value <= most:
        raise CellFault(column, f"must be a number up to {most:.0f}, was {text}")
    return value
