"""Implied volatilities of many options at once, with a status for each.

Every price is turned into its out-of-the-money time value by put-call parity and normalized, after P. Jaeckel, *Let's
Be Rational* (Wilmott, 2015): b = time value / sqrt(S exp(-qT) K exp(-rT)), s = sigma sqrt(T), x = |ln(forward/strike)|.
ln b is solved where s is left of the inflection sqrt(2x), ln(b_max - b) where it is right of it: both quotients of
value and vega are sums of two Mills ratios, so a step needs one logarithm and no exponential.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from angel_x.domain.pricing.contracts import BLOCK, Contracts, Floats, broadcast
from angel_x.domain.pricing.iv_guess import write_guess
from angel_x.domain.pricing.iv_status import (
    ROUNDING_OF_PAYOFF,
    STATUS_NAMES,
    IvStatus,
    Statuses,
    diagnose,
)
from angel_x.domain.pricing.maturity import Maturity
from angel_x.domain.pricing.mills import SMALLEST_ARGUMENT, mills_ratio
from angel_x.domain.pricing.polynomial import Numbers

__all__ = ["STATUS_NAMES", "IvStatus", "Statuses", "implied_vol", "solve_contracts"]

Singles: TypeAlias = NDArray[np.float32]
#: A kernel that writes the volatilities and statuses of contracts to two arrays of their length.
Solve: TypeAlias = Callable[[Contracts, Floats, Statuses], None]

_HALF_LOG_TWO_PI = 0.9189385332046727
_ROOT_TWO_PI = 2.5066282746310002
SMALLEST_VALUE = 1e-290
# Below this deviation the rounding of spot and strike leaves no significant digits.
SMALLEST_SOLUTION = 1e-11
# A fourth-order step of this size leaves less than a rounding error.
CONVERGED = 2e-4
MOST_STEPS = 64


def implied_vol(
    price: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    is_call: ArrayLike,
) -> tuple[Floats, Statuses]:
    """Return volatilities and statuses as :func:`angel_x.pricing.implied_vol` does, always by numpy."""
    numbers = (spot, strike, years, rate, dividend_yield, price)
    return solved(solve_contracts, numbers, is_call)


def solved(
    solve: Solve, numbers: tuple[ArrayLike, ...], is_call: ArrayLike
) -> tuple[Floats, Statuses]:
    """Return volatilities and statuses of ``solve`` for arguments that broadcast, in their common shape."""
    contracts, shape = broadcast(numbers, is_call)
    sigma = np.empty(contracts.spot.size)
    status = np.empty(contracts.spot.size, np.int8)
    solve(contracts, sigma, status)
    return sigma.reshape(shape), status.reshape(shape)


def solve_contracts(contracts: Contracts, sigma: Floats, status: Statuses) -> None:
    """Write the volatilities and statuses of ``contracts``, whose ``given`` is the price, to arrays of their length."""
    count = contracts.spot.size
    scratch = _Scratch(min(BLOCK, count))
    with np.errstate(all="ignore"):
        for start in range(0, count, BLOCK):
            block = slice(start, start + BLOCK)
            _solve_block(contracts.rows(block), sigma[block], scratch)
        unsolved = np.flatnonzero(np.isnan(sigma))
        status.fill(IvStatus.OK)
        status[unsolved] = diagnose(contracts.rows(unsolved))


class _Scratch:
    """Working memory of one block, made once per call."""

    def __init__(self, length: int) -> None:
        self._rows = np.empty((10, length))
        self._pairs = np.empty((3, 2 * length))
        self._single_rows = np.empty((6, length), np.float32)
        self._single_pairs = np.empty((3, 2 * length), np.float32)

    def rows(self, count: int) -> list[Floats]:
        return [row[:count] for row in self._rows]

    def pairs(self, count: int) -> list[Floats]:
        return [pair[: 2 * count].reshape(2, count) for pair in self._pairs]

    def single_rows(self, count: int) -> list[Singles]:
        return [row[:count] for row in self._single_rows]

    def single_pairs(self, count: int) -> list[Singles]:
        return [pair[: 2 * count].reshape(2, count) for pair in self._single_pairs]


class _Problem(NamedTuple):
    """Find the deviation at which the logarithm of the objective is ``goal``."""

    #: x
    log_moneyness: Numbers
    #: ln b or ln(b_max - b)
    goal: Numbers
    #: +1 for the first objective, which rises with the deviation, -1 for the second, which falls.
    slope: Numbers


def _solve_block(contracts: Contracts, sigma: Floats, scratch: _Scratch) -> None:
    maturity = Maturity.of(contracts)
    deviation, *rows = scratch.rows(contracts.spot.size)
    pairs = scratch.pairs(contracts.spot.size)
    problem, unsolvable = _pose(contracts, maturity, deviation, rows, exactly=False)
    work = rows[3:]
    _step_coarsely(problem, deviation, scratch)
    change = _step(problem, deviation, work, pairs)
    np.divide(change, deviation, change)
    np.abs(change, change)
    rough = np.flatnonzero(~(change <= CONVERGED) | (pairs[0][0] < SMALLEST_ARGUMENT))
    if rough.size:
        deviation[rough] = _iterate(contracts.rows(rough))
    np.divide(deviation, maturity.root_years, sigma)
    sigma[unsolvable] = np.nan
    sigma[deviation < SMALLEST_SOLUTION] = np.nan


def _pose(
    contracts: Contracts,
    maturity: Maturity,
    deviation: Floats,
    rows: list[Floats],
    *,
    exactly: bool,
) -> tuple[_Problem, NDArray[np.intp]]:
    """Return the problem of each row and the rows without a solution; write the first guess to ``deviation``."""
    log_moneyness, goal, slope, value, most, gap, spot_leg, strike_leg, spare = rows
    np.multiply(contracts.spot, maturity.carry_discount, spot_leg)
    np.multiply(contracts.strike, maturity.discount, strike_leg)
    np.subtract(spot_leg, strike_leg, gap)
    _time_value(contracts, gap, value, spare)
    np.minimum(spot_leg, strike_leg, out=most)
    solvable = (value > spare) & (value < most) & (contracts.years > 0.0)

    np.multiply(spot_leg, strike_leg, spare)
    np.sqrt(spare, spare)
    np.divide(1.0, spare, spare)
    np.multiply(value, spare, value)
    np.multiply(most, spare, most)
    np.multiply(gap, spare, gap)
    np.abs(gap, gap)
    solvable &= value > SMALLEST_VALUE

    np.divide(contracts.spot, contracts.strike, log_moneyness)
    np.log(log_moneyness, log_moneyness)
    np.add(log_moneyness, maturity.drift, log_moneyness)
    np.abs(log_moneyness, log_moneyness)

    unsolvable = np.flatnonzero(~solvable)
    for row, harmless in ((log_moneyness, 1.0), (gap, 1.0), (most, 1.0), (value, 0.1)):
        row[unsolvable] = harmless  # a NaN would pass through, but numpy's log is slow on them
    write_guess(log_moneyness, value, gap, deviation)
    if exactly:
        _side_exactly(log_moneyness, deviation, value, most, spare)
    else:
        _side_by_guess(log_moneyness, deviation, spare)
    _choose_objective(value, most, spare)
    np.log(value, goal)
    np.copysign(1.0, spare, slope)
    return _Problem(log_moneyness, goal, slope), unsolvable


def _time_value(contracts: Contracts, gap: Floats, out: Floats, doubt: Floats) -> None:
    """Write the price less the discounted payoff on the forward: the price of the out-of-the-money twin.

    ``doubt`` receives how much of it may be rounding of the payoff.
    """
    np.copyto(out, contracts.is_call)
    np.subtract(out, 0.5, out)
    np.multiply(out, gap, out)
    np.multiply(out, 2.0, out)
    np.maximum(out, 0.0, out=out)
    np.multiply(out, ROUNDING_OF_PAYOFF, doubt)
    np.subtract(contracts.given, out, out)


def _side_by_guess(log_moneyness: Floats, deviation: Floats, side: Floats) -> None:
    """Write x - s^2/2 for the guess s, negative where the root is right of the inflection.

    A row so near the inflection that the guess errs is solved by the wrong objective, continued past the inflection.
    """
    np.multiply(deviation, deviation, side)
    np.multiply(side, -0.5, side)
    np.add(side, log_moneyness, side)


def _side_exactly(
    log_moneyness: Floats, deviation: Floats, value: Floats, most: Floats, side: Floats
) -> None:
    """Write the value at the inflection less ``value``, and move ``deviation`` to the side of its root."""
    inflection = np.sqrt(2.0 * log_moneyness)
    tail = np.empty_like(inflection)
    mills_ratio(inflection, tail, np.empty_like(tail))
    np.subtract(most * (0.5 - tail / _ROOT_TWO_PI), value, side)
    right = side < 0.0
    np.maximum(deviation, inflection, out=deviation, where=right)
    np.minimum(deviation, inflection, out=deviation, where=~right)


def _choose_objective(value: Floats, most: Floats, side: Floats) -> None:
    """Replace ``value`` by ``most - value`` where ``side`` is negative."""
    np.subtract(most, value, most)
    # Choosing by bits: value xor ((most xor value), kept where side is negative).
    bits, choice = value.view(np.int64), most.view(np.int64)
    np.bitwise_xor(choice, bits, choice)
    np.bitwise_and(choice, np.right_shift(side.view(np.int64), 63), choice)
    np.bitwise_xor(bits, choice, bits)


def _step_coarsely(problem: _Problem, deviation: Floats, scratch: _Scratch) -> None:
    """Take one step in single precision: it halves the work, and the error left is wiped out by the next step."""
    count = deviation.size
    single = _Problem(*(term.astype(np.float32) for term in problem))
    coarse = deviation.astype(np.float32)
    _step(single, coarse, scratch.single_rows(count), scratch.single_pairs(count))
    np.copyto(deviation, coarse)


def _step(
    problem: _Problem, deviation: Numbers, work: Sequence[Numbers], pairs: Sequence[Numbers]
) -> Numbers:
    """Move ``deviation`` by one step of fourth order, and return the change.

    Householder's method on f = ln b or ln(b_max - b).  With h = x/s, t = s/2 and Y the Mills ratio, f' = +-1/R for
    R = Y(+-(h - t)) -+ Y(h + t), f = ln R - (h^2 + t^2)/2 - ln(2 pi)/2 and b''/b' = h^2/s - s/4.
    """
    inverse, h, t, newton, gradient, change = work
    arguments, tails, scratch = pairs
    np.divide(1.0, deviation, inverse)
    np.multiply(problem.log_moneyness, inverse, h)
    np.multiply(deviation, 0.5, t)
    np.subtract(h, t, arguments[0])
    np.multiply(arguments[0], problem.slope, arguments[0])
    np.add(t, h, arguments[1])
    mills_ratio(arguments, tails, scratch)
    np.multiply(tails[1], problem.slope, tails[1])
    ratio = np.subtract(tails[0], tails[1], tails[0])

    np.divide(problem.slope, ratio, gradient)
    np.log(ratio, ratio)
    np.subtract(problem.goal, ratio, newton)
    np.multiply(h, h, h)
    np.multiply(t, t, change)
    np.add(change, h, change)
    np.multiply(change, 0.5, change)
    np.add(newton, change, newton)
    np.add(newton, _HALF_LOG_TWO_PI, newton)
    np.divide(newton, gradient, newton)

    bend = np.multiply(h, inverse, h)  # h^2 / s
    np.multiply(bend, inverse, inverse)  # h^2 / s^2
    np.multiply(t, 0.5, t)
    np.subtract(bend, t, bend)
    np.subtract(bend, gradient, bend)  # f''/f'
    _householder(newton, bend, gradient, inverse, [t, change])
    np.multiply(deviation, -0.6, t)
    np.maximum(change, t, out=change)
    np.minimum(change, deviation, out=change)
    np.add(deviation, change, deviation)
    return change


def _householder(
    newton: Numbers, bend: Numbers, gradient: Numbers, h_over_s: Numbers, work: Sequence[Numbers]
) -> None:
    """Write n (1 + n f2/2) / (1 + n (f2 + n f3/6)), with f3 the third derivative over the first.

    f3 = f2 (f2 - f') - 3 (h/s)^2 - 1/4; ``h_over_s`` holds the square.
    """
    third, change = work
    np.subtract(bend, gradient, third)
    np.multiply(third, bend, third)
    np.multiply(h_over_s, 3.0, h_over_s)
    np.subtract(third, h_over_s, third)
    np.subtract(third, 0.25, third)
    np.multiply(third, 1.0 / 6.0, third)
    np.multiply(third, newton, third)
    np.add(third, bend, third)
    np.multiply(third, newton, third)
    np.add(third, 1.0, third)
    np.multiply(bend, newton, change)
    np.multiply(change, 0.5, change)
    np.add(change, 1.0, change)
    np.multiply(change, newton, change)
    np.divide(change, third, change)


def _iterate(contracts: Contracts) -> Floats:
    """Return the deviations of the few contracts that two steps did not settle, NaN where no steps do."""
    count = contracts.spot.size
    deviation, *rows = np.empty((10, count))
    work, pairs = rows[3:], list(np.empty((3, 2, count)))
    problem, _ = _pose(contracts, Maturity.of(contracts), deviation, rows, exactly=True)
    inflection = np.sqrt(2.0 * problem.log_moneyness)
    lowest = np.where(problem.slope < 0.0, inflection, 0.0)
    highest = np.where(problem.slope < 0.0, np.inf, inflection)
    for _ in range(MOST_STEPS):
        change = _step(problem, deviation, work, pairs)
        np.clip(deviation, lowest, highest, out=deviation)
        settled = np.abs(change) <= CONVERGED * deviation
        if settled.all():
            break
    return np.where(settled, deviation, np.nan)
