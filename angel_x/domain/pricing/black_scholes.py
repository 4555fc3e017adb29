"""Black-Scholes-Merton prices and Greeks of many European options at once.

Raw units: vega and rho per 1.00, theta and charm per year of calendar time passing.  Formulas: E. G. Haug, *The
Complete Guide to Option Pricing Formulas*, 2nd edition, chapters 1 and 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from angel_x.domain.pricing.contracts import BLOCK, Contracts, Floats, broadcast
from angel_x.domain.pricing.greek import OUTPUTS
from angel_x.domain.pricing.legs import Legs, Scratch, compute_legs
from angel_x.domain.pricing.limits import write_limits
from angel_x.domain.pricing.maturity import Maturity

#: The outputs without the extended Greeks: the first six.
BASIC_COUNT = 6

#: A kernel that writes the Greeks of contracts to an array of shape ``(6, n)`` or ``(10, n)``.
Value: TypeAlias = Callable[[Contracts, Floats], None]


def greeks(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    *,
    extended: bool = False,
) -> dict[str, Floats]:
    """Return the Greeks as :func:`angel_x.pricing.greeks` does, always by numpy."""
    numbers = (spot, strike, years, rate, dividend_yield, sigma)
    return named_greeks(value_contracts, numbers, is_call, extended=extended)


def named_greeks(
    value: Value, numbers: tuple[ArrayLike, ...], is_call: ArrayLike, *, extended: bool
) -> dict[str, Floats]:
    """Return the outputs of ``value`` for arguments that broadcast, by name, each in their common shape."""
    contracts, shape = broadcast(numbers, is_call)
    out = np.empty((len(OUTPUTS) if extended else BASIC_COUNT, contracts.spot.size))
    value(contracts, out)
    return {name: row.reshape(shape) for name, row in zip(OUTPUTS, out, strict=False)}


def value_contracts(contracts: Contracts, out: Floats) -> None:
    """Write the Greeks of ``contracts`` to ``out``, float64 of shape ``(6, n)`` or ``(10, n)`` in the order of OUTPUTS.

    For callers that keep their arrays: nothing is broadcast or allocated per call but scratch.  ``contracts.given`` is
    the volatility.
    """
    count = contracts.spot.size
    scratch = Scratch(min(BLOCK, count))
    with np.errstate(all="ignore"):
        for start in range(0, count, BLOCK):
            block = slice(start, start + BLOCK)
            _value_block(contracts.rows(block), out[:, block], scratch)


def price_contracts(contracts: Contracts, out: Floats) -> None:
    """Write the prices of ``contracts``, whose ``given`` is the volatility, to ``out`` of their length: no Greeks."""
    count = contracts.spot.size
    scratch = Scratch(min(BLOCK, count))
    with np.errstate(all="ignore"):
        for start in range(0, count, BLOCK):
            block = slice(start, start + BLOCK)
            _price_block(contracts.rows(block), out[block], scratch)


def _price_block(contracts: Contracts, out: Floats, scratch: Scratch) -> None:
    maturity = Maturity.of(contracts)
    terms = compute_legs(contracts, maturity, scratch)
    np.subtract(terms.legs[0], terms.legs[1], out)
    if not terms.ordinary:
        write_limits(contracts, maturity.root_years, out[np.newaxis])


def _value_block(contracts: Contracts, out: Floats, scratch: Scratch) -> None:
    maturity = Maturity.of(contracts)
    terms = compute_legs(contracts, maturity, scratch)
    inverse_spot = np.divide(1.0, contracts.spot, terms.spare[0])
    _write_basic(contracts, terms, maturity.root_years, inverse_spot, out)
    if len(out) > BASIC_COUNT:
        _write_extended(contracts, terms, maturity.root_years, inverse_spot, out)
    if not terms.ordinary:
        write_limits(contracts, maturity.root_years, out)


def _write_basic(
    contracts: Contracts, terms: Legs, root_years: Floats, inverse_spot: Floats, out: Floats
) -> None:
    price, delta, gamma, vega, theta, rho = out[:BASIC_COUNT]
    spot_leg, strike_leg = terms.legs
    spare, sigma = terms.spare[1], contracts.given
    np.subtract(spot_leg, strike_leg, price)
    np.multiply(spot_leg, inverse_spot, delta)
    np.multiply(terms.density, root_years, vega)
    np.multiply(strike_leg, contracts.years, rho)

    np.multiply(terms.density, terms.inverse_deviation, spare)
    np.multiply(spare, inverse_spot, gamma)
    np.multiply(gamma, inverse_spot, gamma)

    # theta = q S-leg - r K-leg - sigma^2/2 * density / (sigma sqrt T)
    np.multiply(spare, sigma, spare)
    np.multiply(spare, sigma, spare)
    np.multiply(spare, -0.5, theta)
    np.multiply(strike_leg, contracts.rate, spare)
    np.subtract(theta, spare, theta)
    np.multiply(spot_leg, contracts.dividend_yield, spare)
    np.add(theta, spare, theta)


def _write_extended(
    contracts: Contracts, terms: Legs, root_years: Floats, inverse_spot: Floats, out: Floats
) -> None:
    _, delta, gamma, vega, _, _, vanna, volga, charm, speed = out
    first, second = terms.d
    spare = terms.spare[1]
    # d2 / sigma, written as d2 sqrt(T) / (sigma sqrt T)
    np.multiply(second, root_years, spare)
    np.multiply(spare, terms.inverse_deviation, spare)
    np.multiply(vega, first, volga)
    np.multiply(volga, spare, volga)
    # S exp(-qT) n(d1) / S, negated
    np.multiply(terms.density, inverse_spot, charm)
    np.negative(charm, charm)
    np.multiply(charm, spare, vanna)

    # charm = q delta - exp(-qT) n(d1) ((r - q) / (sigma sqrt T) - d2 / 2T)
    np.subtract(contracts.rate, contracts.dividend_yield, speed)
    np.multiply(speed, terms.inverse_deviation, speed)
    np.divide(second, contracts.years, spare)
    np.multiply(spare, 0.5, spare)
    np.subtract(speed, spare, speed)
    np.multiply(charm, speed, charm)
    np.multiply(delta, contracts.dividend_yield, spare)
    np.add(charm, spare, charm)

    # speed = -gamma / S (1 + d1 / (sigma sqrt T))
    np.multiply(first, terms.inverse_deviation, speed)
    np.add(speed, 1.0, speed)
    np.multiply(speed, gamma, speed)
    np.multiply(speed, inverse_spot, speed)
    np.negative(speed, speed)
