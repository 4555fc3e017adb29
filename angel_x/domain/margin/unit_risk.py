"""What one unit of a contract adds to margin, in whole ten-thousandths of a rupee.

Whole numbers add up to the same sum in whatever order, so the same risk arrays ask for the same
rupees however a book came about.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.risk_arrays import DELTA_ROW
from angel_x.domain.values.money import rupees

#: By scenario.  Sixteen numbers are added faster as what Python makes of them than as an array.
Losses = tuple[int, ...]

SCENARIO_COUNT = DELTA_ROW
#: Steps in one rupee.
STEPS = 10_000
_STEPS_PER_PAISA = STEPS // 100


@dataclass(frozen=True, slots=True)
class UnitRisk:
    """One unit of a contract.  All amounts are steps."""

    expiry: date
    source: MarginSource
    #: Of a unit long, by scenario, and never above the mark; zeros without a risk array.
    losses: Losses
    #: Value of a unit; zero without a risk array.
    mark: int
    #: Asked for a unit short beyond the scenarios: exposure and more on the day of expiry, or all
    #: that the percentage asks for.
    charge: int
    #: Asked for a unit short whose scenarios are offset by another expiry.
    spread: int = 0
    #: Whether the contract expires today.
    is_last_day: bool = False

    @property
    def short_steps(self) -> int:
        """What one unit short and nothing else needs."""
        return max(0, -min(self.losses)) + self.mark + self.charge

    @property
    def short_margin(self) -> Decimal:
        """Rupees for one unit short and nothing else, up to the next paisa."""
        return to_rupees(self.short_steps)


#: The contracts that somebody asked about, by symbol.
RiskSheet = Mapping[str, UnitRisk]

NO_LOSSES: Losses = (0,) * SCENARIO_COUNT


def no_risks(symbols: Collection[str]) -> RiskSheet:
    """Return what a unit adds where nothing is known of the market."""
    return {symbol: UnitRisk(date.max, MarginSource.NONE, NO_LOSSES, 0, 0) for symbol in symbols}


def to_rupees(steps: int) -> Decimal:
    """Return steps as rupees, up to the next paisa."""
    return rupees(-(-steps // _STEPS_PER_PAISA))
