"""The margin contribution of one unit of a contract, in integer ten-thousandths of a rupee.

A sum of integers does not depend on their order, so the same book at the same risk arrays needs the
same margin, in any order of its trades.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from angel_x.domain.contracts.contract import is_future
from angel_x.domain.margin.losses import NO_LOSSES, Losses
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.values.money import rupees

#: Steps in one rupee.
STEPS = 10_000
STEPS_PER_PAISA = STEPS // 100


@dataclass(frozen=True, slots=True)
class UnitRisk:
    """One unit of a contract.  All amounts are steps."""

    expiry: date
    source: MarginSource
    #: Of a unit long, by scenario; of an option never above the mark.  Zeros without a risk array.
    losses: Losses
    #: Value of a unit; zero without a risk array, and for a future, which nobody has paid for.
    mark: int
    #: Exposure margin of a short unit, with the addition on the day of expiry; of a future of a unit on
    #: either side.
    charge: int
    #: Signed calendar spread charge of the delta of a unit long.
    spread: int = 0
    #: Whether the contract expires today.
    is_last_day: bool = False
    #: The part of :attr:`charge` that is the addition on the day of expiry.
    expiry_day: int = 0
    #: The price at which positions are valued; None without a quote.
    price: int | None = None
    is_future: bool = False

    @property
    def is_known(self) -> bool:
        """False where the margin is unknown for lack of a fresh risk array."""
        return self.source is not MarginSource.NONE

    @property
    def worth(self) -> int | None:
        """Value of a unit for P&L: its price, else the mark of its risk array, None without both."""
        if self.price is None and self.source is MarginSource.RISK_ARRAY and not self.is_future:
            return self.mark
        return self.price

    def units_at_risk(self, low: int, high: int) -> int:
        """Return the most units that need margin of a position between ``low`` and ``high`` units.

        Those are the short ones, and of a future those on either side.
        """
        if self.is_future:
            return max(-low, high, 0)
        return -low if low < 0 else 0

    @property
    def short_steps(self) -> int:
        """Margin of a single short unit, in steps."""
        return max(0, -min(self.losses)) + self.mark + self.charge

    @property
    def short_margin(self) -> Decimal:
        """Margin of a single short unit in rupees, rounded up to the paisa."""
        return to_rupees(self.short_steps)


#: The risks of the contracts of one batch or query, by symbol.
RiskSheet = Mapping[str, UnitRisk]


def no_risks(symbols: Collection[str]) -> RiskSheet:
    """Return the risks of contracts whose margin is unknown."""
    return {s: unknown_risk(date.max, is_future=is_future(s)) for s in symbols}


def expired_risk(expiry: date, payoff: Decimal, *, is_future: bool = False) -> UnitRisk:
    """Return the risk of a contract that awaits its settlement: what is owed, and no further move.

    ``payoff`` is that of a unit long in rupees, at the last price of the underlying.  Of a future only
    the open P&L is owed.
    """
    price = int(payoff * STEPS)
    return UnitRisk(
        expiry,
        MarginSource.PAYOFF,
        NO_LOSSES,
        mark=0 if is_future else price,
        charge=0,
        is_last_day=True,
        price=price,
        is_future=is_future,
    )


def unknown_risk(
    expiry: date,
    *,
    is_last_day: bool = False,
    is_future: bool = False,
    price: int | None = None,
) -> UnitRisk:
    """Return the risk of a contract whose margin is unknown."""
    return UnitRisk(
        expiry,
        MarginSource.NONE,
        NO_LOSSES,
        mark=0,
        charge=0,
        is_last_day=is_last_day,
        price=price,
        is_future=is_future,
    )


def to_rupees(steps: int) -> Decimal:
    """Return steps as rupees, rounded up to the paisa."""
    return rupees(-(-steps // STEPS_PER_PAISA))
