"""Black-Scholes-Merton prices and Greeks of many European options at once.

Raw units: vega and rho per 1.00, theta and charm per year of calendar time passing.  Formulas: E. G. Haug, *The
Complete Guide to Option Pricing Formulas*, 2nd edition, chapters 1 and 2.  Each tail is density times Mills ratio, so
that far out-of-the-money prices keep their digits, and S exp(-qT) n(d1) = K exp(-rT) n(d2) saves an exponential.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from angel_x.domain.pricing.contracts import BLOCK, Contracts, Flags, Floats, broadcast
from angel_x.domain.pricing.maturity import Maturity
from angel_x.domain.pricing.mills import LARGEST_ARGUMENT, mills_ratio

#: The rows of an output, in this order; without the extended Greeks the first six.
GREEKS = ("price", "delta", "gamma", "vega", "theta", "rho", "vanna", "volga", "charm", "speed")
BASIC_COUNT = 6

_INVERSE_ROOT_TWO_PI = 0.3989422804014327
Bits: TypeAlias = NDArray[np.int64]

_SIGN = np.int64(-(2**63))
# The density is 1e-306 here and counts as zero beyond: it leaves the normal numbers soon after,
# where numpy's exponential takes ten times as long.
_FARTHEST = 37.5
# Below this the total volatility is zero for every purpose, and its reciprocal would overflow.
_SMALLEST_DEVIATION = 1e-150


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
    """Return price, delta, gamma, vega, theta and rho, with vanna, volga, charm and speed when ``extended``.

    The arguments broadcast; every result is a float64 array of their common shape, ``()`` for scalars.  A row with a
    spot or strike that is not finite and positive, a negative sigma or any NaN is NaN throughout.  At and after expiry
    the price is the payoff on the spot; with zero volatility it is the discounted payoff on the forward.  There delta
    is 0, a half or 1 (signed and discounted like any other), and gamma, vega and their derivatives are 0.
    Black-76 is the forward for ``spot`` and ``dividend_yield`` equal to ``rate``.
    """
    numbers = (spot, strike, years, rate, dividend_yield, sigma)
    contracts, shape = broadcast(numbers, is_call)
    out = np.empty((len(GREEKS) if extended else BASIC_COUNT, contracts.spot.size))
    value_contracts(contracts, out)
    return {name: row.reshape(shape) for name, row in zip(GREEKS, out, strict=False)}


def value_contracts(contracts: Contracts, out: Floats) -> None:
    """Write the Greeks of ``contracts`` to ``out``, float64 of shape ``(6, n)`` or ``(10, n)`` in the order of GREEKS.

    For callers that keep their arrays: nothing is broadcast or allocated per call but scratch.  ``contracts.given`` is
    the volatility.
    """
    count = contracts.spot.size
    scratch = _Scratch(min(BLOCK, count))
    with np.errstate(all="ignore"):
        for start in range(0, count, BLOCK):
            block = slice(start, start + BLOCK)
            _value_block(contracts.rows(block), out[:, block], scratch)


class _Scratch:
    """Working memory of one block, made once per call."""

    def __init__(self, length: int) -> None:
        self._rows = np.empty((4, length))
        self._pairs = np.empty((4, 2 * length))
        self._flips = np.empty(length, np.int64)
        self._signs = np.empty(2 * length, np.int64)

    def rows(self, count: int) -> list[Floats]:
        return [row[:count] for row in self._rows]

    def pairs(self, count: int) -> list[Floats]:
        """Return arrays of two rows: of d1 and the spot first, of d2 and the strike second."""
        return [pair[: 2 * count].reshape(2, count) for pair in self._pairs]

    def bits(self, count: int) -> tuple[Bits, Bits]:
        return self._flips[:count], self._signs[: 2 * count].reshape(2, count)


class _Terms(NamedTuple):
    """What every Greek of a block is made of, and a row to work in."""

    d: Floats
    #: Signed S exp(-qT) N(d1) and K exp(-rT) N(d2); a put has minus signs before N and inside it.
    legs: Floats
    #: S exp(-qT) n(d1) = K exp(-rT) n(d2)
    density: Floats
    inverse_deviation: Floats
    inverse_spot: Floats
    root_years: Floats
    spare: Floats


def _value_block(contracts: Contracts, out: Floats, scratch: _Scratch) -> None:
    count = contracts.spot.size
    maturity = Maturity.of(contracts)
    deviation, inverse_deviation, density, spare = scratch.rows(count)
    d, distance, tails, legs = scratch.pairs(count)

    np.multiply(contracts.given, maturity.root_years, deviation)
    np.divide(1.0, deviation, inverse_deviation)
    _standardize(contracts, maturity, deviation, inverse_deviation, d)
    np.abs(d, distance)
    ordinary = _is_ordinary(contracts, deviation, distance)

    mills_ratio(distance, tails, legs)
    np.multiply(contracts.spot, maturity.carry_discount, legs[0])
    np.multiply(contracts.strike, maturity.discount, legs[1])
    _density(distance[0], density, spare)
    np.multiply(density, legs[0], density)
    np.multiply(tails, density, tails)
    _sign_legs(contracts.is_call, d, tails, legs, scratch.bits(count))

    # The total volatility is no longer needed, so its row can hold 1 / S.
    inverse_spot = np.divide(1.0, contracts.spot, deviation)
    root_years = maturity.root_years
    terms = _Terms(d, legs, density, inverse_deviation, inverse_spot, root_years, spare)
    _write_basic(contracts, terms, out)
    if len(out) > BASIC_COUNT:
        _write_extended(contracts, terms, out)
    if not ordinary:
        _write_limits(contracts, maturity, out)


def _standardize(
    contracts: Contracts, maturity: Maturity, deviation: Floats, inverse: Floats, d: Floats
) -> None:
    """Write d1 and d2."""
    first, second = d
    np.divide(contracts.spot, contracts.strike, first)
    np.log(first, first)
    np.add(first, maturity.drift, first)
    np.multiply(first, inverse, first)
    np.multiply(deviation, 0.5, second)
    np.add(first, second, first)
    np.subtract(first, deviation, second)


def _is_ordinary(contracts: Contracts, deviation: Floats, distance: Floats) -> bool:
    """Whether no row is at a limit or invalid; every NaN and infinity shows in one of the three."""
    return bool(
        deviation.min() > _SMALLEST_DEVIATION
        and distance.max() < LARGEST_ARGUMENT
        and contracts.strike.min() > 0.0
    )


def _density(distance: Floats, out: Floats, scratch: Floats) -> None:
    """Write the normal density, exactly zero from where it can no longer be told from it."""
    np.minimum(distance, _FARTHEST, out=out)
    np.multiply(out, -0.5, scratch)
    np.multiply(scratch, out, scratch)
    np.exp(scratch, out)
    np.multiply(out, _INVERSE_ROOT_TWO_PI, out)
    if not distance.max() < _FARTHEST:  # which a NaN does not hide
        # The sign bit of the difference, spread over the word, keeps the near rows and clears the far ones.
        np.subtract(distance, _FARTHEST, scratch)
        near = scratch.view(np.int64)
        np.right_shift(near, 63, near)
        np.bitwise_and(out.view(np.int64), near, out.view(np.int64))


def _sign_legs(
    is_call: Flags, d: Floats, tails: Floats, legs: Floats, bits: tuple[Bits, Bits]
) -> None:
    """Turn the discounted spot and strike into the signed legs of the price.

    N(x) = u - s Y n, where Y is the Mills ratio of abs(x), u is 1 for x > 0 and 0 otherwise, and s its sign.  Signs are
    moved as bits: a mask costs numpy a tenth of what a condition does.
    """
    flips, signs = bits
    np.copyto(flips, is_call)
    np.left_shift(flips, 63, flips)
    np.bitwise_xor(
        d.view(np.int64), flips, signs
    )  # the sign bit of -x, where x is d1 or d2 of the right
    tail_bits, leg_bits = tails.view(np.int64), legs.view(np.int64)
    np.right_shift(signs, 63, signs)  # all ones where x > 0
    np.bitwise_and(leg_bits, signs, leg_bits)
    np.bitwise_and(signs, _SIGN, signs)
    np.bitwise_or(tail_bits, signs, tail_bits)
    np.add(legs, tails, legs)
    np.bitwise_xor(flips, _SIGN, flips)
    np.bitwise_xor(leg_bits, flips, leg_bits)


def _write_basic(contracts: Contracts, terms: _Terms, out: Floats) -> None:
    price, delta, gamma, vega, theta, rho = out[:BASIC_COUNT]
    spot_leg, strike_leg = terms.legs
    spare, sigma = terms.spare, contracts.given
    np.subtract(spot_leg, strike_leg, price)
    np.multiply(spot_leg, terms.inverse_spot, delta)
    np.multiply(terms.density, terms.root_years, vega)
    np.multiply(strike_leg, contracts.years, rho)

    np.multiply(terms.density, terms.inverse_deviation, spare)
    np.multiply(spare, terms.inverse_spot, gamma)
    np.multiply(gamma, terms.inverse_spot, gamma)

    # theta = q S-leg - r K-leg - sigma^2/2 * density / (sigma sqrt T)
    np.multiply(spare, sigma, spare)
    np.multiply(spare, sigma, spare)
    np.multiply(spare, -0.5, theta)
    np.multiply(strike_leg, contracts.rate, spare)
    np.subtract(theta, spare, theta)
    np.multiply(spot_leg, contracts.dividend_yield, spare)
    np.add(theta, spare, theta)


def _write_extended(contracts: Contracts, terms: _Terms, out: Floats) -> None:
    _, delta, gamma, vega, _, _, vanna, volga, charm, speed = out
    first, second = terms.d
    spare = terms.spare
    # d2 / sigma, written as d2 sqrt(T) / (sigma sqrt T)
    np.multiply(second, terms.root_years, spare)
    np.multiply(spare, terms.inverse_deviation, spare)
    np.multiply(vega, first, volga)
    np.multiply(volga, spare, volga)
    # S exp(-qT) n(d1) / S, negated
    np.multiply(terms.density, terms.inverse_spot, charm)
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
    np.multiply(speed, terms.inverse_spot, speed)
    np.negative(speed, speed)


def _write_limits(contracts: Contracts, maturity: Maturity, out: Floats) -> None:
    """Overwrite the rows that have expired, have no volatility, or cannot be priced at all."""
    sigma = contracts.given
    priceable = contracts.priceable() & (sigma >= 0.0) & np.isfinite(sigma)
    alive = sigma * maturity.root_years > _SMALLEST_DEVIATION
    out[:, ~(priceable & alive)] = np.nan
    at_limit = np.flatnonzero(priceable & ~alive)
    out[:, at_limit] = _limits(contracts.rows(at_limit), len(out))


def _limits(contracts: Contracts, outputs: int) -> Floats:
    """Return the Greeks of contracts without uncertainty, at expiry or at zero volatility."""
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
    values = {
        "price": spot_leg - strike_leg,
        "delta": delta,
        "theta": dividend_yield * spot_leg - rate * strike_leg,
        "rho": years * strike_leg,
        "charm": dividend_yield * delta,
    }
    zero = np.zeros_like(delta)
    return np.stack([values.get(name, zero) for name in GREEKS[:outputs]])
