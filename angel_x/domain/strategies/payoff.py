"""The payoff of contracts of one expiry: a broken line, of which every corner is a strike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from angel_x.domain.contracts.contract import Right
from angel_x.domain.strategies.leg import Leg, OptionLeg
from angel_x.domain.values.money import to_paisa

_FLOOR = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payoff:
    """Extremes and zeros of the P&L at expiry, in rupees, before charges."""

    #: None where it grows without a limit.
    max_profit: Decimal | None
    #: Negative for a loss; None where it grows without a limit.
    max_loss: Decimal | None
    #: Closing values of the underlying at which the P&L is zero, ascending, to the paisa.
    breakevens: tuple[Decimal, ...]


def payoff(legs: Sequence[Leg], cost: Decimal) -> Payoff:
    """Return the payoff of legs of one expiry that cost so many rupees, negative where received.

    A future costs its price times its units, though that is not paid.
    """
    corners = sorted({_FLOOR, *(leg.strike for leg in legs if isinstance(leg, OptionLeg))})
    results = [pnl_at_expiry(legs, cost, corner) for corner in corners]
    slope = sum(leg.quantity for leg in legs if _rises_without_limit(leg))
    return Payoff(
        max_profit=None if slope > 0 else max(results),
        max_loss=None if slope < 0 else min(results),
        breakevens=_zeros(corners, results, slope),
    )


def _rises_without_limit(leg: Leg) -> bool:
    return not isinstance(leg, OptionLeg) or leg.right is Right.CALL


def pnl_at_expiry(legs: Sequence[Leg], cost: Decimal, spot: Decimal) -> Decimal:
    """Return rupees at a closing value of the underlying."""
    return sum((leg.worth_at_expiry(spot) for leg in legs), _FLOOR) - cost


def _zeros(
    corners: Sequence[Decimal], results: Sequence[Decimal], slope: int
) -> tuple[Decimal, ...]:
    """Return the zeros of the line through the corners, which goes on with ``slope``."""
    found = {corner for corner, result in zip(corners, results, strict=True) if not result}
    lines = zip(corners, corners[1:], results, results[1:], strict=False)
    for low, high, before, after in lines:
        if before * after < 0:
            found.add(low - before * (high - low) / (after - before))
    if slope and results[-1] * slope < 0:
        found.add(corners[-1] - results[-1] / slope)
    return tuple(sorted(map(to_paisa, found)))
