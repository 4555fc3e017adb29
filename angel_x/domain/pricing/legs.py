"""The two signed legs of an option's price: the spot leg and the strike leg.

Each tail is density times Mills ratio, so that far out-of-the-money prices keep their digits, and
S exp(-qT) n(d1) = K exp(-rT) n(d2) saves an exponential.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from angel_x.domain.pricing.contracts import Contracts, Flags, Floats
from angel_x.domain.pricing.maturity import Maturity
from angel_x.domain.pricing.mills import LARGEST_ARGUMENT, mills_ratio

_INVERSE_ROOT_TWO_PI = 0.3989422804014327
Bits: TypeAlias = NDArray[np.int64]

_SIGN = np.int64(-(2**63))
# The density is 1e-306 here and counts as zero beyond: it leaves the normal numbers soon after,
# where numpy's exponential takes ten times as long.
_FARTHEST = 37.5
#: Below this the total volatility counts as zero; its reciprocal would overflow.
SMALLEST_DEVIATION = 1e-150


class Scratch:
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


class Legs(NamedTuple):
    """The common terms of all Greeks of a block, and two rows of scratch."""

    d: Floats
    #: Signed S exp(-qT) N(d1) and K exp(-rT) N(d2); a put has minus signs before N and inside it.
    legs: Floats
    #: S exp(-qT) n(d1) = K exp(-rT) n(d2)
    density: Floats
    inverse_deviation: Floats
    spare: tuple[Floats, Floats]
    #: Whether no row is at a limit or invalid.
    ordinary: bool


def compute_legs(contracts: Contracts, maturity: Maturity, scratch: Scratch) -> Legs:
    """Return the legs of a block in the memory of ``scratch``."""
    count = contracts.spot.size
    deviation, inverse_deviation, density, spare = scratch.rows(count)
    d, distance, tails, legs = scratch.pairs(count)

    np.multiply(contracts.given, maturity.root_years, deviation)
    np.divide(1.0, deviation, inverse_deviation)
    _standardize(contracts, maturity, deviation, inverse_deviation, d)
    np.abs(d, distance)
    ordinary = _is_ordinary(contracts, deviation, distance)
    if not ordinary:
        np.minimum(distance, LARGEST_ARGUMENT, out=distance)

    mills_ratio(distance, tails, legs)
    np.multiply(contracts.spot, maturity.carry_discount, legs[0])
    np.multiply(contracts.strike, maturity.discount, legs[1])
    _density(distance[0], density, spare)
    np.multiply(density, legs[0], density)
    np.multiply(tails, density, tails)
    _sign_legs(contracts.is_call, d, tails, legs, scratch.bits(count))
    return Legs(d, legs, density, inverse_deviation, (deviation, spare), ordinary)


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
    """Return whether no row is at a limit or invalid; every NaN and infinity shows in one of the three."""
    return bool(
        deviation.min() > SMALLEST_DEVIATION
        and distance.max() < LARGEST_ARGUMENT
        and contracts.strike.min() > 0.0
    )


def _density(distance: Floats, out: Floats, scratch: Floats) -> None:
    """Write the normal density, exactly zero beyond ``_FARTHEST``."""
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
    moved as bits: a mask costs numpy a tenth of a condition.
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
