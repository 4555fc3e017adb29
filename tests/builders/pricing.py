"""A market to price by any kernels, and what they say of it."""

from __future__ import annotations

import numpy as np

from angel_x.domain.pricing.contracts import Contracts, Floats
from angel_x.domain.pricing.greek import OUTPUTS
from angel_x.domain.pricing.iv_status import Statuses
from angel_x.domain.pricing.kernels import NUMPY, Kernels

#: More than a block of either back end, and no multiple of a vector.
ROWS = 30_011


def wide_market(seed: int) -> Contracts:
    """Return chains and scattered rows, from an hour to three years, up to eight deviations from the money."""
    random = np.random.default_rng(seed)
    chains = random.integers(1, 200, ROWS).cumsum()
    chain = np.searchsorted(chains, np.arange(ROWS))

    def per_chain(low: float, high: float) -> Floats:
        found: Floats = random.uniform(low, high, ROWS)[chain]
        return found

    spot = np.exp(per_chain(np.log(0.5), np.log(60_000.0)))
    years = np.exp(per_chain(np.log(1 / 8766), np.log(3.0)))
    sigma = np.exp(random.uniform(np.log(0.03), np.log(2.5), ROWS))
    distance = random.uniform(-8.0, 8.0, ROWS)
    strike = spot * np.exp(distance * sigma * np.sqrt(years))
    is_call = random.random(ROWS) < 0.5
    return Contracts(
        spot, strike, years, per_chain(-0.02, 0.15), per_chain(-0.05, 0.1), is_call, sigma
    )


def values(kernels: Kernels, contracts: Contracts, outputs: int = len(OUTPUTS)) -> Floats:
    out = np.full((outputs, contracts.spot.size), np.nan)
    kernels.value(contracts, out)
    return out


def prices(kernels: Kernels, contracts: Contracts) -> Floats:
    out = np.full(contracts.spot.size, np.nan)
    kernels.price(contracts, out)
    return out


def solved(kernels: Kernels, contracts: Contracts) -> tuple[Floats, Statuses]:
    sigma = np.full(contracts.spot.size, -1.0)
    status = np.full(contracts.spot.size, -1, np.int8)
    kernels.solve(contracts, sigma, status)
    return sigma, status


def condition(contracts: Contracts) -> Floats:
    """Return how much each Greek moves, summed over its arguments, when one of them moves by a share of itself."""
    step = 1e-6
    total = np.zeros((len(OUTPUTS), contracts.spot.size))
    for name in ("spot", "strike", "years", "rate", "dividend_yield", "given"):
        argument = getattr(contracts, name)
        up = values(NUMPY, contracts._replace(**{name: argument * (1.0 + step)}))
        down = values(NUMPY, contracts._replace(**{name: argument * (1.0 - step)}))
        total += np.abs(up - down) / (2.0 * step)
    return total
