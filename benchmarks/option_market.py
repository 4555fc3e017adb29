"""Chains to price: what the pricing benchmarks are measured on."""

from __future__ import annotations

from math import erf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from angel_x.domain.pricing.contracts import Contracts
from angel_x.pricing import greeks

CONTRACTS = 100_000
STRIKES = 60
SEED = 20261123
TICK = 0.05

Floats = NDArray[np.float64]


class Market(NamedTuple):
    """The arguments of the Greeks, one row per contract."""

    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    dividend_yield: Floats
    sigma: Floats
    is_call: NDArray[np.bool_]

    def rows(self, chosen: slice | NDArray[np.intp]) -> Market:
        spot, strike, years, rate, dividend_yield, sigma = (column[chosen] for column in self[:6])
        return Market(spot, strike, years, rate, dividend_yield, sigma, self.is_call[chosen])

    def given(self, values: Floats) -> Contracts:
        """Return the contracts of which the volatility or the price is known."""
        return Contracts(*self[:5], self.is_call, values)


def make_market(seed: int = SEED) -> Market:
    """Return chains of calls and puts around spots of 100 to 60,000, one hour to one year from expiry, with a smile."""
    random = np.random.default_rng(seed)
    chains = [_make_chain(random) for _ in range(-(-CONTRACTS // (2 * STRIKES)))]
    return Market(*(np.concatenate(column)[:CONTRACTS] for column in zip(*chains, strict=True)))


def _make_chain(random: np.random.Generator) -> Market:
    spot = np.exp(random.uniform(np.log(100.0), np.log(60_000.0)))
    years = np.exp(random.uniform(np.log(1 / 8766), 0.0))
    at_the_money = np.exp(random.uniform(np.log(0.08), np.log(0.7)))
    moneyness = np.linspace(-0.3, 0.3, STRIKES)
    reach = moneyness / (at_the_money * np.sqrt(max(years, 5 / 365)))
    smile = at_the_money * np.sqrt(1.0 + 0.35 * reach**2) - 0.08 * moneyness
    sigma = np.clip(smile * np.exp(random.normal(0.0, 0.03, STRIKES)), 0.05, 1.5)
    rows = np.ones(2 * STRIKES)
    return Market(
        spot * rows,
        np.tile(spot * (1.0 + moneyness), 2),
        years * rows,
        0.065 * rows,
        max(0.0, random.uniform(-0.07, 0.03)) * rows,
        np.tile(sigma, 2),
        np.repeat(np.array([True, False]), STRIKES),
    )


def market_prices(market: Market) -> Floats:
    """Return prices on the tick grid, where no premium is below one tick."""
    fair = greeks(*market)["price"]
    return np.maximum(np.round(fair / TICK) * TICK, TICK)


def naive_greeks(market: Market) -> dict[str, Floats]:
    """Return the six Greeks as the textbook writes them, one array per operation; the yardstick for readers."""
    spot, strike, years, rate, dividend_yield, sigma, is_call = market
    root = np.sqrt(years)
    first = (np.log(spot / strike) + (rate - dividend_yield + 0.5 * sigma**2) * years) / (
        sigma * root
    )
    second = first - sigma * root
    sign = np.where(is_call, 1.0, -1.0)
    density = np.exp(-0.5 * first**2) / np.sqrt(2.0 * np.pi)
    carry, discount = np.exp(-dividend_yield * years), np.exp(-rate * years)
    spot_leg = sign * spot * carry * normal(sign * first)
    strike_leg = sign * strike * discount * normal(sign * second)
    decay = spot * carry * density * sigma / (2.0 * root)
    return {
        "price": spot_leg - strike_leg,
        "delta": spot_leg / spot,
        "gamma": carry * density / (spot * sigma * root),
        "vega": spot * carry * density * root,
        "theta": dividend_yield * spot_leg - rate * strike_leg - decay,
        "rho": years * strike_leg,
    }


def normal(x: Floats) -> Floats:
    """Return the normal distribution function; numpy has no error function, so Python's is called for each element."""
    half = [0.5 * (1.0 + erf(value)) for value in (x / np.sqrt(2.0)).tolist()]
    return np.array(half)
