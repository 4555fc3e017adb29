"""Price and Greeks of an option without uncertainty: at expiry, and at zero volatility."""

from __future__ import annotations

import numpy as np

from angel_x.domain.pricing.contracts import Contracts, Floats
from angel_x.domain.pricing.greek import OUTPUTS
from angel_x.domain.pricing.legs import SMALLEST_DEVIATION


def write_limits(contracts: Contracts, root_years: Floats, out: Floats) -> None:
    """Overwrite the rows that have expired, have zero volatility, or cannot be priced; ``out`` has 1, 6 or 10 outputs."""
    sigma = contracts.given
    priceable = contracts.priceable() & (sigma >= 0.0) & np.isfinite(sigma)
    alive = sigma * root_years > SMALLEST_DEVIATION
    out[:, ~(priceable & alive)] = np.nan
    at_limit = np.flatnonzero(priceable & ~alive)
    certain = _limits(contracts.rows(at_limit))
    for row, name in zip(out, OUTPUTS, strict=False):
        row[at_limit] = certain.get(name, 0.0)


def _limits(contracts: Contracts) -> dict[str, Floats]:
    """Return the outputs of contracts without uncertainty that are not zero, by name."""
    years = np.maximum(contracts.years, 0.0)
    expired = years == 0.0
    rate = np.where(expired, 0.0, contracts.rate)
    dividend_yield = np.where(expired, 0.0, contracts.dividend_yield)
    sign = np.where(contracts.is_call, 1.0, -1.0)
    spot_leg = contracts.spot * np.exp(-dividend_yield * years)
    strike_leg = contracts.strike * np.exp(-rate * years)
    exercised = sign * np.heaviside(sign * (spot_leg - strike_leg), 0.5)
    spot_leg *= exercised
    strike_leg *= exercised
    delta = spot_leg / contracts.spot
    return {
        "price": spot_leg - strike_leg,
        "delta": delta,
        "theta": dividend_yield * spot_leg - rate * strike_leg,
        "rho": years * strike_leg,
        "charm": dividend_yield * delta,
    }
