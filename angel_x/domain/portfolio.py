"""A portfolio: what one account is worth, what it is exposed to, and what a shock would do to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class NetGreeks:
    """Sums over the positions in one underlying, in the units that Greeks have outside the kernel.

    Rupees for a move of one rupee (delta), of one vol point (vega), for a calendar day (theta).
    """

    delta: float
    gamma: float
    vega: float
    theta: float


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
