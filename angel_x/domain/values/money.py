"""Rupees and paise: Decimal where money is kept, whole paise where arrays need exact arithmetic."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

PAISA = Decimal("0.01")
ZERO = Decimal("0.00")


def to_paisa(amount: Decimal) -> Decimal:
    """Round rupees to the paisa, halves away from zero."""
    return amount.quantize(PAISA, rounding=ROUND_HALF_UP)


def paise(amount: Decimal) -> int:
    """Return rupees as whole paise; the amount must not be finer than a paisa."""
    return int(amount.scaleb(2))


def rupees(amount: int) -> Decimal:
    """Return whole paise as rupees with two places."""
    return Decimal(amount).scaleb(-2)
