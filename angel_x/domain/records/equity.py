"""The equity curve of an account, from the snapshots of its portfolio."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityPoint:
    """An account at one snapshot, in rupees."""

    at: datetime
    #: Cash, collateral and every open position at its mark.
    equity: Decimal
    realised_pnl: Decimal
    unrealised_pnl: Decimal
    margin_used: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityPage:
    """Points of the curve, the newest first; ``next`` is the cursor of the page after, None on the last."""

    points: tuple[EquityPoint, ...]
    next: str | None
