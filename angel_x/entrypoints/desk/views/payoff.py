"""Profit of a basket at expiry: exact at strikes, straight between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from angel_x.domain.contracts.contract import Right
from angel_x.entrypoints.desk.views.legs import ChosenLeg
from angel_x.entrypoints.desk.views.words import NONE, Text, Tone, change, price

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payoff:
    """Rupees at expiry before charges, by the closing value of the underlying."""

    points: tuple[tuple[Decimal, Decimal], ...]
    break_evens: tuple[Decimal, ...]
    #: None where it has no limit.
    most_gain: Decimal | None
    #: Negative; None where it has no limit.
    most_loss: Decimal | None
    #: Received for the basket at its limits, negative where it is paid.
    premium: Decimal


def payoff(legs: Sequence[ChosenLeg]) -> Payoff:
    """Return the payoff of legs of one expiry that trade at their limits.

    The underlying closes at zero or above, so a long put has a largest gain.
    """
    premium = sum((-leg.units * leg.price for leg in legs), _ZERO)
    strikes = sorted({leg.strike for leg in legs})
    # Beyond the last strike only calls move: their units are the slope.
    slope = sum(leg.units for leg in legs if leg.right is Right.CALL)
    beyond = (strikes[-1] * 2 if strikes else Decimal(1)) + 1
    corners = [_ZERO, *strikes, beyond]
    values = [(each, profit(legs, each)) for each in corners]
    inner = [value for _, value in values[:-1]]
    return Payoff(
        points=_drawn(legs, strikes),
        break_evens=_break_evens(values, slope),
        most_gain=None if slope > 0 else max(inner, default=_ZERO),
        most_loss=None if slope < 0 else min(inner, default=_ZERO),
        premium=premium,
    )


def profit(legs: Sequence[ChosenLeg], close: Decimal) -> Decimal:
    """Return rupees if the underlying closes there."""
    return sum((leg.units * (_intrinsic(leg, close) - leg.price) for leg in legs), _ZERO)


def _intrinsic(leg: ChosenLeg, close: Decimal) -> Decimal:
    moneyness = close - leg.strike if leg.right is Right.CALL else leg.strike - close
    return max(moneyness, _ZERO)


def _break_evens(values: Sequence[tuple[Decimal, Decimal]], slope: int) -> tuple[Decimal, ...]:
    found = []
    for (low, at_low), (high, at_high) in pairwise(values):
        if at_low * at_high < 0:
            found.append(low + (high - low) * at_low / (at_low - at_high))
        elif not at_high and high != values[-1][0]:
            found.append(high)
    last, at_last = values[-1]
    if slope and at_last * slope < 0:
        found.append(last - at_last / slope)
    return tuple(found)


def _drawn(
    legs: Sequence[ChosenLeg], strikes: Sequence[Decimal]
) -> tuple[tuple[Decimal, Decimal], ...]:
    """Return the corners, with as much beside them as lies between, at least 3 % of the strike."""
    if not strikes:
        return ()
    margin = max(strikes[-1] - strikes[0], strikes[-1] * Decimal("0.03"))
    ends = [max(_ZERO, strikes[0] - margin), *strikes, strikes[-1] + margin]
    return tuple((each, profit(legs, each)) for each in ends)


def figures(found: Payoff) -> list[tuple[str, Text]]:
    """Return the names and texts of the result."""
    side = "received" if found.premium >= 0 else "paid"
    return [
        (f"Premium {side}", Text(f"₹{price(abs(found.premium))}")),
        ("Most gain", _limit(found.most_gain)),
        ("Most loss", _limit(found.most_loss)),
        ("Break-even", Text(", ".join(map(price, found.break_evens)) or NONE)),
    ]


def _limit(amount: Decimal | None) -> Text:
    return Text("unlimited", Tone.WARNING) if amount is None else change(amount)
