"""What an option is worth where nothing is uncertain: at expiry, and at zero volatility."""

from __future__ import annotations

import numpy as np

from angel_x.domain.pricing.contracts import Contracts, Floats
from angel_x.domain.pricing.legs import SMALLEST_DEVIATION


def write_limits(contracts: Contracts, root_years: Floats, out: Floats) -> None:
    """Overwrite the rows that have expired, have no volatility, or cannot be priced at all; fewer outputs than six will do."""
    sigma = contracts.given
    priceable = contracts.priceable() & (sigma >= 0.0) & np.isfinite(sigma)
    alive = sigma * root_years > SMALLEST_DEVIATION
    out[:, ~(priceable & alive)] = np.nan
    at_limit = np.flatnonzero(priceable & ~alive)
    out[:, at_limit] = _limits(contracts.rows(at_limit), len(out))


def _limits(contracts: Contracts, outputs: int) -> Floats:
    """Return the first Greeks of contracts without uncertainty, in the order of ``GREEKS``."""
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
    price = spot_leg - strike_leg
    theta = dividend_yield * spot_leg - rate * strike_leg
    rho, charm = years * strike_leg, dividend_yield * delta
    zero = np.zeros_like(delta)
    ten = (price, delta, zero, zero, theta, rho, zero, zero, charm, zero)
    return np.stack(ten[:outputs])
