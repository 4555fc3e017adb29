"""A portfolio: value, exposure and scenario profits of one account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from angel_x.domain.pricing.greek import NetSums


@dataclass(frozen=True, slots=True)
class NetGreeks(NetSums):
    """The Greeks of the positions in one underlying."""

    #: Delta in rupees of the underlying, and its change for a rise of the spot by 1 %; None where
    #: the spot is unknown.
    delta_rupees: float | None = None
    gamma_rupees: float | None = None
    #: The earliest request time of the Greeks in these sums.
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class ScenarioGrid:
    """Profit and loss if every spot and every volatility moved at once."""

    spot_percent: tuple[float, ...]
    #: Relative changes: -20 takes a volatility of 0.15 to 0.12.
    vol_percent: tuple[float, ...]
    #: Rupees; one row for each spot move, with one number for each volatility move.
    profit: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Portfolio:
    """One account at one moment, in rupees."""

    user_id: int
    cash: Decimal
    collateral: Decimal
    margin_used: Decimal
    free_balance: Decimal
    realised_pnl: Decimal
    unrealised_pnl: Decimal
    #: Cash, collateral and every open position at its mark.
    equity: Decimal
    #: By underlying.
    greeks: dict[str, NetGreeks]
    scenarios: ScenarioGrid
    open_positions: int
    #: Positions without a quote, which are carried at cost.
    stale_positions: int
    #: Positions without an implied volatility, which Greeks and scenarios leave out.
    unpriced_positions: int
    updated_at: datetime
    #: Request time of the oldest Greeks in :attr:`greeks`, and its age in seconds at the time of
    #: this answer; None where no position has Greeks.
    greeks_as_of: datetime | None = None
    greeks_age_seconds: float | None = None
    #: Expired positions that await their settlement, marked at intrinsic value by the last index:
    #: while there are some, equity is provisional.
    provisional_positions: int = 0

    def at(self, now: datetime) -> Portfolio:
        """Return this portfolio with the age of its Greeks at ``now``."""
        if self.greeks_as_of is None:
            return self
        age = max(0.0, (now - self.greeks_as_of).total_seconds())
        return replace(self, greeks_age_seconds=age)
