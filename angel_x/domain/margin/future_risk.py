"""The losses of a future in the scenarios: it moves as its underlying does, by as many rupees."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from angel_x.domain.margin.losses import Losses
from angel_x.domain.margin.risk_arrays import ARE_EXTREME, MOVES
from angel_x.domain.margin.span import SpanParameters
from angel_x.domain.margin.unit_risk import STEPS


def future_losses(underlying: str, spot: Decimal, span: SpanParameters) -> Losses | None:
    """Return the loss of one unit long in each scenario, in steps; None at a stale volatility.

    The shifts of the volatility do not matter.  Futures run for a few months, so the scan range is not that of distant
    expiries.
    """
    names = [underlying]
    volatilities = span.daily_volatilities(names)
    share, _ = span.scan_ranges(span.are_indices(names), np.zeros(1), volatilities)
    if np.isnan(share[0]):
        return None
    moves = MOVES * np.where(ARE_EXTREME, span.extreme_moves * span.extreme_cover, 1.0)
    steps = np.rint(-moves * share[0] * float(spot) * STEPS)
    return Losses(steps.astype(np.int64).tolist())
