"""The fields of one row of a scrip master: valid values and their meaning.

Amounts are written in paise with six decimals of zeros, ``2235000.000000`` for a strike of 22,350.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from angel_x.domain.contracts.contract import MONTHS, Right
from angel_x.domain.contracts.contract_rules import underlying_name

# Symbols hold two digits of the year.
_EXPIRY = re.compile(r"(\d{2})([A-Z]{3})(20\d{2})", re.ASCII)
_WHOLE = re.compile(r"(\d{1,9})(?:\.0*)?", re.ASCII)
_NAME = re.compile(r"[A-Z0-9&-]{1,20}")
NAME_RULE = "must be 1 to 20 capitals, digits, & or -"
#: Paise.
_LARGEST_TICK = 999_999
#: As many characters of an offending value as a message repeats.
_SHOWN = 60


class FieldFault(Exception):
    """A field that cannot be read; the message ends with the offending value."""

    def __init__(self, field: str, rule: str, value: object) -> None:
        super().__init__(f"{rule}, was {str(value)[:_SHOWN]}")
        self.field = field


def text(row: Mapping[str, object], field: str) -> str:
    """Return a required field."""
    value = row.get(field)
    if value is None:
        raise FieldFault(field, "must be there", "missing")
    if not isinstance(value, str):
        raise FieldFault(field, "must be text", value)
    return value


def underlying(row: Mapping[str, object]) -> str:
    """Return the internal name of the underlying."""
    value = text(row, "name")
    name = underlying_name(value)
    if not is_name(name):
        raise FieldFault("name", NAME_RULE, value)
    return name


def is_name(text: str) -> bool:
    """Return whether a text may be the name of an underlying."""
    return _NAME.fullmatch(text) is not None


def expiry(row: Mapping[str, object]) -> date:
    value = text(row, "expiry")
    day = _expiry(value)
    if day is None:
        raise FieldFault("expiry", "must be a date such as 25AUG2026", value)
    return day


def right(row: Mapping[str, object]) -> Right:
    """Return the right, from the end of the broker's symbol: no other field has it."""
    value = text(row, "symbol")
    try:
        return Right(value[-2:])
    except ValueError:
        raise FieldFault("symbol", "must end in CE or PE", value) from None


def tick_size(row: Mapping[str, object]) -> int:
    """Return the tick in paise."""
    rule = f"must be whole paise from 1 to {_LARGEST_TICK}"
    tick = positive(row, "tick_size", rule)
    if tick > _LARGEST_TICK:
        raise FieldFault("tick_size", rule, tick)
    return tick


def positive(row: Mapping[str, object], field: str, rule: str) -> int:
    """Return a positive integer: paise of an amount, units of a size."""
    value = text(row, field)
    number = _whole(value)
    if not number:
        raise FieldFault(field, rule, value)
    return number


def freeze_quantity(row: Mapping[str, object]) -> int | None:
    """Return the freeze quantity, or None where the row gives none."""
    if row.get("freeze_qty") is None:
        return None
    value = text(row, "freeze_qty")
    if not value:
        return None
    number = _whole(value)
    if number is None:
        raise FieldFault("freeze_qty", "must be a whole number", value)
    return number or None


def _whole(value: str) -> int | None:
    match = _WHOLE.fullmatch(value)
    return int(match[1]) if match else None


# A master of a hundred thousand contracts holds a few dozen different days.
@lru_cache(maxsize=256)
def _expiry(value: str) -> date | None:
    match = _EXPIRY.fullmatch(value)
    if match is None or match[2] not in MONTHS:
        return None
    try:
        return date(int(match[3]), MONTHS.index(match[2]) + 1, int(match[1]))
    except ValueError:
        return None
