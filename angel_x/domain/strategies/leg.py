"""A leg: signed units of one option or of one future."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from angel_x.domain.contracts.contract import Right, is_future, parse_expiry, parse_symbol
from angel_x.errors import InvalidSymbol


@dataclass(frozen=True, slots=True)
class OptionLeg:
    """Units of one option, negative where they are short."""

    symbol: str
    underlying: str
    expiry: date
    strike: Decimal
    right: Right
    quantity: int

    @classmethod
    def of(cls, symbol: str, quantity: int) -> OptionLeg:
        """Return the leg of a contract.

        Raises:
            InvalidSymbol: The symbol is not that of an option.
        """
        underlying, expiry, strike, right = parse_symbol(symbol)
        return cls(symbol, underlying, expiry, strike, right, quantity)

    def worth_at_expiry(self, spot: Decimal) -> Decimal:
        """Return the payoff of all units in rupees at a closing value of the underlying."""
        above = spot - self.strike if self.right is Right.CALL else self.strike - spot
        return self.quantity * max(above, Decimal(0))


@dataclass(frozen=True, slots=True)
class FutureLeg:
    """Units of one future, negative where they are short."""

    symbol: str
    underlying: str
    expiry: date
    quantity: int

    def worth_at_expiry(self, spot: Decimal) -> Decimal:
        """Return the value of all units in rupees at a closing value of the underlying."""
        return self.quantity * spot


Leg = OptionLeg | FutureLeg


def legs_of(holdings: Iterable[tuple[str, int]]) -> list[OptionLeg]:
    """Return the options among holdings, one leg for each contract; flat ones are left out."""
    found = (_option(symbol, quantity) for symbol, quantity in _open(holdings))
    return [leg for leg in found if leg is not None]


def futures_of(holdings: Iterable[tuple[str, int]]) -> list[FutureLeg]:
    """Return the futures among holdings, one leg for each contract; flat ones are left out."""
    return [
        FutureLeg(symbol, *parse_expiry(symbol), quantity)
        for symbol, quantity in _open(holdings)
        if is_future(symbol)
    ]


def _open(holdings: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    units: dict[str, int] = {}
    for symbol, quantity in holdings:
        units[symbol] = units.get(symbol, 0) + quantity
    return ((symbol, quantity) for symbol, quantity in units.items() if quantity)


def _option(symbol: str, quantity: int) -> OptionLeg | None:
    try:
        return OptionLeg.of(symbol, quantity)
    except InvalidSymbol:
        return None
