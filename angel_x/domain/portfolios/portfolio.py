"""A portfolio: what one account is worth, what it is exposed to, and what a shock would do to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class NetGreeks:
    """Sums over the positions in one underlying, in the units that Greeks have outside the kernel.

    Rupees for a move of one rupee (delta), of one vol point (vega), of 1 % of interest (rho), for a
    calendar day (theta).  What has a default is missing from what older versions stored.
    """

    delta: float
    gamma: float
    vega: float
    theta: float
    rho: float | None = None
    #: What delta gains with one vol point, vega with one vol point, and delta in one calendar day.
    vanna: float | None = None
    volga: float | None = None
    charm: float | None = None
    #: Delta as rupees of the underlying, and what it gains if the spot rises by 1 %; None where the
    #: spot is not known.
    delta_rupees: float | None = None
    gamma_rupees: float | None = None
    #: When the oldest of the Greeks in these sums were asked for.
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class ScenarioGrid:
    """Profit and loss if every spot and every volatility moved at once."""

    spot_percent: tuple[float, ...]
    #: Of the volatility itself: -20 takes 0.15 to 0.12.
    vol_percent: tuple[float, ...]
    #: Rupees; one row for each spot move, in it one number for each volatility move.
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
    #: Positions without a quote, which are carried at what they cost.
    stale_positions: int
    #: Positions without an implied volatility, which Greeks and scenarios leave out.
    unpriced_positions: int
    updated_at: datetime
    #: When the oldest Greeks in :attr:`greeks` were asked for, and how many seconds before this
    #: answer that was; None where no position has any.
    greeks_as_of: datetime | None = None
    greeks_age_seconds: float | None = None

    def at(self, now: datetime) -> Portfolio:
        """Return this portfolio as an answer of ``now``: what was cached has grown older."""
        if self.greeks_as_of is None:
            return self
        age = max(0.0, (now - self.greeks_as_of).total_seconds())
        return replace(self, greeks_age_seconds=age)
