"""Formats of amounts and times in India."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from angel_x.domain.calendar.session import IST
from angel_x.domain.values.money import to_paisa

_GROUP = 3


def grouped(number: int) -> str:
    """Write a whole number in lakhs and crores: ``1,23,45,678``."""
    sign, digits = ("-" if number < 0 else ""), str(abs(number))
    head, tail = digits[:-_GROUP], digits[-_GROUP:]
    groups = [tail]
    while head:
        groups.append(head[-2:])
        head = head[:-2]
    return sign + ",".join(reversed(groups))


def rupees(amount: Decimal | None) -> str:
    """Write an amount to the paisa: ``₹1,23,456.70``."""
    if amount is None:
        return "-"
    exact = to_paisa(amount)
    integer, _, paise = f"{abs(exact):f}".partition(".")
    sign = "-" if exact < 0 else ""
    return f"{sign}₹{grouped(int(integer))}.{paise}"


def whole(amount: Decimal) -> str:
    """Write an amount to the rupee: ``₹1,23,457``."""
    return rupees(amount.quantize(Decimal(1))).removesuffix(".00")


def price(amount: Decimal | None) -> str:
    """Write a price without the sign of the currency."""
    return rupees(amount).replace("₹", "")


def decimals(number: float | None, places: int) -> str:
    return "-" if number is None else f"{number:,.{places}f}"


def ist(moment: datetime | None) -> str:
    """Write a time in India with its day, since orders of several days are shown."""
    return "-" if moment is None else f"{moment.astimezone(IST):%d %b %H:%M:%S}"
