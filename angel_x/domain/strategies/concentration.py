"""Concentration of a book: the share of each underlying, expiry and contract in its gross value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from angel_x.domain.strategies.leg import OptionLeg
from angel_x.domain.values.money import ZERO, to_paisa

_SHARE = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One part of a book."""

    key: str
    #: Value of its units, long and short alike, in rupees.
    gross_value: Decimal
    #: Fraction of the gross value of the book.
    share: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration:
    """The parts of a book, the largest first."""

    underlyings: tuple[Share, ...]
    #: Of the form ``NIFTY 2026-08-25``.
    expiries: tuple[Share, ...]
    contracts: tuple[Share, ...]


def concentration(legs: Sequence[OptionLeg], prices: Sequence[Decimal]) -> Concentration:
    """Return the concentration of legs at their prices in rupees a unit."""
    valued = [
        (leg, to_paisa(abs(leg.quantity) * price)) for leg, price in zip(legs, prices, strict=True)
    ]
    return Concentration(
        underlyings=_shares(valued, lambda leg: leg.underlying),
        expiries=_shares(valued, lambda leg: f"{leg.underlying} {leg.expiry}"),
        contracts=_shares(valued, lambda leg: leg.symbol),
    )


def _shares(
    valued: Iterable[tuple[OptionLeg, Decimal]], key: Callable[[OptionLeg], str]
) -> tuple[Share, ...]:
    sums: dict[str, Decimal] = {}
    for leg, value in valued:
        sums[key(leg)] = sums.get(key(leg), ZERO) + value
    total = sum(sums.values(), ZERO)
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        Share(
            key=name,
            gross_value=value,
            share=(value / total).quantize(_SHARE) if total else ZERO,
        )
        for name, value in ordered
    )
