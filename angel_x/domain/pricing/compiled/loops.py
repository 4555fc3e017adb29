"""The loops that numba compiles, with all functions that they call.

They stand in one file because numba's cache includes called functions, but is invalidated only by
changes of the file of the caller.

Each loop body is straight-line code without a library call, so that LLVM turns it into vector instructions; exponential,
logarithm and Mills ratio are polynomials here.  Rows come in blocks, and a block passes through several short loops, which keep
more of the processor busy than one long one.  The allowed fast-math rules keep NaN and the rounding tricks intact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numba import boolean, float64, int64, njit
from numba.core import types as numba_types

from angel_x.domain.pricing.contracts import Contracts

#: Rows of a block: its scratch stays in the nearest caches.
BLOCK = 2048
# Rows of one run below which repeating its terms costs more than computing them in a vector.
_WORTHWHILE_RUN = np.uintp(16)
# Rows that are computed in a vector before the next look for a run.
_SCATTERED = np.uintp(64)
# Rows looked at together for the end of a run.
_STRIDE = np.uintp(32)
# Positions are unsigned: a signed one might count from the end, which keeps a loop from becoming a vector.
_ZERO, _ONE, _BLOCK = np.uintp(0), np.uintp(1), np.uintp(BLOCK)

_INVERSE_ROOT_TWO_PI = 0.3989422804014327
_ROOT_TWO_PI = 2.5066282746310002
_HALF_LOG_TWO_PI = 0.9189385332046727

#: The coefficients of the numpy kernels, whose modules name the sources; a test compares both.
MILLS_NUMERATOR = (
    1.2533141373155003,
    1.917235256758367,
    1.4522498637525385,
    0.6986668454520911,
    0.23283009062794266,
    0.055482391362672065,
    0.009447775801017841,
    0.001111522648729667,
    8.250221306033424e-05,
    2.9784228620381286e-06,
)
MILLS_DENOMINATOR = (
    1.0,
    2.327616971597284,
    2.515897389816423,
    1.6670042074987876,
    0.7519563080170536,
    0.24211284551891374,
    0.05658795778322068,
    0.009530277997360958,
    0.0011145010718974118,
    8.250221305698306e-05,
    2.978422862054641e-06,
)
SMALLEST_ARGUMENT = -0.2
#: The largest argument with a density above zero, and the largest argument of a Mills ratio.
FARTHEST = 37.5
_FARTHEST_ARGUMENT = 200.0
SMALLEST_DEVIATION = 1e-150
_LARGEST_DISTANCE = 1e200
_LARGEST_RATIO = 1.7e308
_SMALLEST_RATIO = 2.3e-308

# exp(r) for abs(r) <= ln(2) / 2, a minimax polynomial good to 3e-18.
_EXP = (
    1.0,
    1.0,
    0.5000000000000018,
    0.1666666666666617,
    0.041666666666492755,
    0.00833333333355925,
    0.0013888888951225932,
    0.00019841269432746274,
    2.4801486519846473e-05,
    2.7557622457805435e-06,
    2.763229376201321e-07,
    2.4994331304176203e-08,
)
_LOG2_E = 1.4426950408889634
# ln(2) in two parts: a multiple of the first by an exponent is exact.
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
# Added to a number below 2**51 and subtracted again, it leaves the nearest integer.
_ROUNDER = 6755399441055744.0
_MANTISSA_BITS = 52
_BIAS = 1023


# ln(1 + f) for sqrt(1/2) <= 1 + f < sqrt(2): odd powers of f / (2 + f), from fdlibm's e_log.c.
_LOG = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD
_SIGN_BIT = -(2**63)
_EXPONENT_MASK = -(1 << _MANTISSA_BITS)
# A double whose low bits are an integer: 2**52 + n has n there.
_COUNTER_BITS = 0x4330000000000000
_COUNTER = 4503599627370496.0

# Everything below is single precision, for a guess and a first step whose error the second step wipes out.
_1, _3 = np.float32(1.0), np.float32(3.0)
_HALF, _QUARTER, _SIXTH = np.float32(0.5), np.float32(0.25), np.float32(1.0 / 6.0)
_SINGLE_HALF_LOG_TWO_PI = np.float32(_HALF_LOG_TWO_PI)
_SINGLE_MOST_DOWN = np.float32(-0.6)
_SINGLE_SMALLEST_DEVIATION = np.float32(1e-14)
_SINGLE_FARTHEST_ARGUMENT = np.float32(_FARTHEST_ARGUMENT)


def _singles(*values: float) -> tuple[np.float32, ...]:
    return tuple(np.float32(value) for value in values)


SHORT_MILLS_NUMERATOR = _singles(
    1.2533141366583238,
    1.3120549531110477,
    0.6631634714197684,
    0.19341149857343334,
    0.032432385710041485,
    0.00255450906172893,
)
SHORT_MILLS_DENOMINATOR = _singles(
    1.0,
    1.844752951241915,
    1.501027733113398,
    0.6955520205676884,
    0.1959677850738896,
    0.03243234637033788,
    0.0025545094172636108,
)
BACHELIER_TOP = _singles(0.15915494309189535, 0.023954211073224378, 0.0018615470938523322)
BACHELIER_BOTTOM = _singles(1.0, 0.148017183566573, 0.02083102238747912, 0.0009351061968267585)
LOGNORMAL_TOP = _singles(1.0, -0.09516204739940069, -0.0026084346649581872)
LOGNORMAL_BOTTOM = _singles(1.0, -0.1359251096573312)
LARGEST_CORRECTION = np.float32(6.6)
# ln(1 + ratio) of a strike so near the forward that the logarithm loses its digits.
_NEAR_THE_MONEY = np.float32(9.950330853168092e-3)
# ln(1 + f) - f + f^2 / 2 over f^3 to single precision, from the logf of Cephes.
_SHORT_LOG = (
    3.3333331174e-1,
    -2.4999993993e-1,
    2.0000714765e-1,
    -1.6668057665e-1,
    1.4249322787e-1,
    -1.2420140846e-1,
    1.1676998740e-1,
    -1.1514610310e-1,
    7.0376836292e-2,
)
_SINGLE_LOG = _singles(*_SHORT_LOG)
_SINGLE_LN2 = np.float32(0.6931471805599453)
_SINGLE_ROOT_HALF_BITS = np.int32(0x3F3504F3)
_SINGLE_MANTISSA_BITS = np.int32(23)
_SINGLE_EXPONENT_MASK = np.int32(-(1 << 23))

SMALLEST_VALUE = 1e-290
ROUNDING_OF_PAYOFF = 4.440892098500626e-16
SMALLEST_SOLUTION = 1e-11
CONVERGED = 2e-4
MOST_STEPS = 64
# A step of fourth order of this size leaves some 1e-9.
_NEAR_ENOUGH = 2e-2

# Rows of the scratch of a block: terms of the chain, terms of each contract, and the solver's state.
(
    _INVERSE_SPOT,
    _WHOLE_SPOT,
    _DISCOUNT,
    _ROOT_YEARS,
    _DRIFT,
    _FIRST,
    _INVERSE_DEVIATION,
    _LOG_MONEYNESS,
    _VALUE,
    _MOST,
    _WIDTH,
    _TARGET,
    _SOLVABLE,
    _ODD,
) = range(14)
_ROWS = 14
_BASIC = 6
# Rows of its scratch in single precision.
_SINGLE_LOG_MONEYNESS, _LOG_RATIO, _NEAR_GUESS, _DEVIATION, _GOAL, _SLOPE = range(6)
_SINGLE_ROWS = 6

_FAST = {"contract", "nsz", "arcp"}
Scalar: TypeAlias = Any
Array: TypeAlias = Any
Scalars: TypeAlias = tuple[Any, ...]
Arrays: TypeAlias = tuple[Any, ...]
_Function: TypeAlias = Callable[..., Any]


def _inlined(function: _Function) -> _Function:
    """Compile an inlined part of a loop body."""
    made: _Function = njit(fastmath=_FAST, error_model="numpy", forceinline=True)(function)
    return made


def _stage(function: _Function) -> _Function:
    """Compile one loop over a block."""
    made: _Function = njit(fastmath=_FAST, error_model="numpy")(function)
    return made


def _kernel(signature: Scalar) -> Callable[[_Function], _Function]:
    """Compile an entry point called from Python, or load it from the cache."""

    def compiled(function: _Function) -> _Function:
        make = partial(njit, signature, fastmath=_FAST, error_model="numpy", nogil=True)
        try:
            made: _Function = make(cache=IS_CACHED)(function)
        except OSError:  # a disk that is full
            made = make()(function)
        return made

    return compiled


def _is_cacheable() -> bool:
    """Return whether numba finds a directory to write to: NUMBA_CACHE_DIR, ``__pycache__`` here or the user's cache."""
    try:
        njit(cache=True)(_is_cacheable)
    except RuntimeError:
        return False
    return True


#: Whether compiled code is cached; without a cache every process that chooses these kernels compiles them.
IS_CACHED = _is_cacheable()


@_inlined
def _exp(x: Scalar) -> Scalar:
    """Return exp(x), as if x were -708 or 709 beyond them."""
    return _near_exp(max(min(x, 709.0), -708.0))


@_inlined
def _near_exp(x: Scalar) -> Scalar:
    """Return exp(x) of a number from -708 to 709."""
    rounded = x * _LOG2_E + _ROUNDER
    power = rounded - _ROUNDER
    r = (x - power * _LN2_HIGH) - power * _LN2_LOW
    c = _EXP
    r2 = r * r
    r4 = r2 * r2
    low = (c[0] + c[1] * r) + r2 * (c[2] + c[3] * r)
    middle = (c[4] + c[5] * r) + r2 * (c[6] + c[7] * r)
    high = (c[8] + c[9] * r) + r2 * (c[10] + c[11] * r)
    # A multiplication, where adding to the exponent's bits would make a number of a NaN.
    scale = (np.float64(rounded).view(np.int64) + _BIAS) << _MANTISSA_BITS
    return (low + r4 * (middle + r4 * high)) * np.int64(scale).view(np.float64)


@_inlined
def _log(x: Scalar) -> Scalar:
    """Return the logarithm of a positive normal number; the result for other numbers is undefined."""
    f, power = _split(x)
    c = _LOG
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (c[1] + w * (c[3] + w * c[5]))
    odd = z * (c[0] + w * (c[2] + w * (c[4] + w * c[6])))
    half_square = 0.5 * f * f
    low = s * (half_square + (odd + even)) + power * _LN2_LOW
    return power * _LN2_HIGH - ((half_square - low) - f)


@_inlined
def _coarse_log(x: Scalar) -> Scalar:
    """Return the logarithm of a positive normal number to single precision."""
    f, power = _split(x)
    c = _SHORT_LOG
    f2 = f * f
    f4 = f2 * f2
    low = (c[0] + c[1] * f) + f2 * (c[2] + c[3] * f)
    high = (c[4] + c[5] * f) + f2 * (c[6] + c[7] * f) + f4 * c[8]
    return power * _LN2_HIGH + (f - f2 * (0.5 - f * (low + f4 * high)))


@_inlined
def _split(x: Scalar) -> Scalars:
    """Return f and the power of two for which x = (1 + f) 2**power, with 1 + f around 1."""
    bits = np.float64(x).view(np.int64)
    offset = bits - _ROOT_HALF_BITS
    mantissa = np.int64(bits - (offset & _EXPONENT_MASK)).view(np.float64)
    count = ((offset + (_BIAS << _MANTISSA_BITS)) >> _MANTISSA_BITS) & 0xFFF
    power = np.int64(count | _COUNTER_BITS).view(np.float64) - (_COUNTER + _BIAS)
    return mantissa - 1.0, power


@_inlined
def _single_log(x: Scalar) -> Scalar:
    """Return the logarithm of a positive normal single."""
    bits = np.float32(x).view(np.int32)
    offset = np.int32(bits - _SINGLE_ROOT_HALF_BITS)
    mantissa = np.int32(bits - (offset & _SINGLE_EXPONENT_MASK)).view(np.float32)
    power = np.float32(np.int32(offset >> _SINGLE_MANTISSA_BITS))
    f = mantissa - _1
    c = _SINGLE_LOG
    f2 = f * f
    f4 = f2 * f2
    low = (c[0] + c[1] * f) + f2 * (c[2] + c[3] * f)
    high = (c[4] + c[5] * f) + f2 * (c[6] + c[7] * f) + f4 * c[8]
    return power * _SINGLE_LN2 + (f - f2 * (_HALF - f * (low + f4 * high)))


@_inlined
def _mills(a: Scalar) -> Scalars:
    """Return numerator and denominator of the Mills ratio, so that a caller can divide once for two."""
    p, q = MILLS_NUMERATOR, MILLS_DENOMINATOR
    b = a * a
    top_even = p[0] + b * (p[2] + b * (p[4] + b * (p[6] + b * p[8])))
    top_odd = p[1] + b * (p[3] + b * (p[5] + b * (p[7] + b * p[9])))
    bottom_even = q[0] + b * (q[2] + b * (q[4] + b * (q[6] + b * (q[8] + b * q[10]))))
    bottom_odd = q[1] + b * (q[3] + b * (q[5] + b * (q[7] + b * q[9])))
    return top_even + a * top_odd, bottom_even + a * bottom_odd


@_inlined
def _single_mills(a: Scalar) -> Scalars:
    p, q = SHORT_MILLS_NUMERATOR, SHORT_MILLS_DENOMINATOR
    top = p[0] + a * (p[1] + a * (p[2] + a * (p[3] + a * (p[4] + a * p[5]))))
    bottom = q[0] + a * (q[1] + a * (q[2] + a * (q[3] + a * (q[4] + a * (q[5] + a * q[6])))))
    return top, bottom


@_inlined
def _term(spot: Scalar, years: Scalar, rate: Scalar, dividend_yield: Scalar) -> Scalars:
    """Return 1 / S, S exp(-qT), exp(-rT), sqrt(T) and (r - q) T."""
    whole_spot = spot * _exp(-dividend_yield * years)
    drift = (rate - dividend_yield) * years
    return 1.0 / spot, whole_spot, _exp(-rate * years), math.sqrt(years), drift


@_inlined
def _run_end(contracts: Contracts, start: Scalar, limit: Scalar) -> Scalar:
    """Return the end of the run of rows from ``start`` with equal years and rates."""
    stop = start + _ONE
    while stop + _STRIDE <= limit:
        same = 0
        for i in range(stop, stop + _STRIDE):
            same += (
                (contracts.spot[i] == contracts.spot[start])
                & (contracts.years[i] == contracts.years[start])
                & (contracts.rate[i] == contracts.rate[start])
                & (contracts.dividend_yield[i] == contracts.dividend_yield[start])
            )
        if same < _STRIDE:
            break
        stop += _STRIDE
    while stop < limit and (contracts.spot[stop] == contracts.spot[start]) & (
        contracts.years[stop] == contracts.years[start]
    ) & (contracts.rate[stop] == contracts.rate[start]) & (
        contracts.dividend_yield[stop] == contracts.dividend_yield[start]
    ):
        stop += _ONE
    return stop


@_stage
def _write_terms(
    contracts: Contracts,
    rows: Array,
    begin: Scalar,
    end: Scalar,
) -> None:
    """Write the terms of each row of a block, computed once for a run of equal rows."""
    start = begin
    while start < end:
        stop = _run_end(contracts, start, end)
        if stop - start >= _WORTHWHILE_RUN:
            inverse_spot, whole_spot, discount, root_years, drift = _term(
                contracts.spot[start],
                contracts.years[start],
                contracts.rate[start],
                contracts.dividend_yield[start],
            )
            for k in range(start - begin, stop - begin):
                rows[_INVERSE_SPOT, k] = inverse_spot
                rows[_WHOLE_SPOT, k] = whole_spot
                rows[_DISCOUNT, k] = discount
                rows[_ROOT_YEARS, k] = root_years
                rows[_DRIFT, k] = drift
        else:
            stop = min(start + _SCATTERED, end)
            for i in range(start, stop):
                k = i - begin
                (
                    rows[_INVERSE_SPOT, k],
                    rows[_WHOLE_SPOT, k],
                    rows[_DISCOUNT, k],
                    rows[_ROOT_YEARS, k],
                    rows[_DRIFT, k],
                ) = _term(
                    contracts.spot[i],
                    contracts.years[i],
                    contracts.rate[i],
                    contracts.dividend_yield[i],
                )
        start = stop


@_stage
def _standardize(contracts: Contracts, rows: Array, begin: Scalar, end: Scalar) -> None:
    """Write d1 and 1 / (sigma sqrt(T)), and which rows are odd.

    An odd row is at a limit or has invalid inputs, and its result here is wrong; a NaN volatility needs no special
    treatment.
    """
    for k in range(end - begin):
        i = begin + k
        deviation = contracts.given[i] * rows[_ROOT_YEARS, k]
        inverse_deviation = 1.0 / deviation
        ratio = contracts.strike[i] * rows[_INVERSE_SPOT, k]
        first = (rows[_DRIFT, k] - _log(ratio)) * inverse_deviation + 0.5 * deviation
        rows[_FIRST, k] = first
        rows[_INVERSE_DEVIATION, k] = inverse_deviation
        ordinary = (
            (deviation > SMALLEST_DEVIATION)
            & (abs(first) + deviation < _LARGEST_DISTANCE)
            & (contracts.strike[i] > 0.0)
            & (ratio > _SMALLEST_RATIO)
            & (ratio < _LARGEST_RATIO)
        )
        rows[_ODD, k] = 0.0 if ordinary | math.isnan(contracts.given[i]) else 1.0


@_inlined
def _legs(
    first: Scalar, deviation: Scalar, whole_spot: Scalar, whole_strike: Scalar, is_call: Scalar
) -> Scalars:
    """Return the signed legs of the price and the density S exp(-qT) n(d1)."""
    second = first - deviation
    near, far = abs(first), abs(second)
    clamped = min(near, FARTHEST)
    density = whole_spot * (_INVERSE_ROOT_TWO_PI * _near_exp(-0.5 * clamped * clamped))
    density = 0.0 if near >= FARTHEST else density
    far = min(far, _FARTHEST_ARGUMENT)
    top, bottom = _mills(clamped)
    far_top, far_bottom = _mills(far)
    inverse = 1.0 / (bottom * far_bottom)
    tail = density * (top * far_bottom * inverse)
    far_tail = density * (far_top * bottom * inverse)
    # A put has minus signs before N and inside it; they are moved as bits.
    flip = (np.int64(is_call) - 1) & _SIGN_BIT
    spot_leg = whole_spot - tail if _flipped(first, flip) > 0.0 else tail
    strike_leg = whole_strike - far_tail if _flipped(second, flip) > 0.0 else far_tail
    return _flipped(spot_leg, flip), _flipped(strike_leg, flip), density


@_inlined
def _flipped(x: Scalar, flip: Scalar) -> Scalar:
    return np.int64(np.float64(x).view(np.int64) ^ flip).view(np.float64)


@_stage
def _write_prices(
    contracts: Contracts,
    rows: Array,
    out: Array,
    begin: Scalar,
    end: Scalar,
) -> None:
    for k in range(end - begin):
        i = begin + k
        spot_leg, strike_leg, _ = _legs(
            rows[_FIRST, k],
            contracts.given[i] * rows[_ROOT_YEARS, k],
            rows[_WHOLE_SPOT, k],
            contracts.strike[i] * rows[_DISCOUNT, k],
            contracts.is_call[i],
        )
        out[i] = spot_leg - strike_leg


@_stage
def _write_basic(
    contracts: Contracts,
    rows: Array,
    out: Arrays,
    begin: Scalar,
    end: Scalar,
) -> None:
    price, delta, gamma, vega, theta, rho = out
    for k in range(end - begin):
        i = begin + k
        spot_leg, strike_leg, density = _legs(
            rows[_FIRST, k],
            contracts.given[i] * rows[_ROOT_YEARS, k],
            rows[_WHOLE_SPOT, k],
            contracts.strike[i] * rows[_DISCOUNT, k],
            contracts.is_call[i],
        )
        bend = density * rows[_INVERSE_DEVIATION, k]
        inverse_spot = rows[_INVERSE_SPOT, k]
        price[i] = spot_leg - strike_leg
        delta[i] = spot_leg * inverse_spot
        gamma[i] = bend * inverse_spot * inverse_spot
        vega[i] = density * rows[_ROOT_YEARS, k]
        carry = contracts.dividend_yield[i] * spot_leg - contracts.rate[i] * strike_leg
        theta[i] = carry - 0.5 * bend * contracts.given[i] * contracts.given[i]
        rho[i] = contracts.years[i] * strike_leg


@_stage
def _write_extended(
    contracts: Contracts,
    rows: Array,
    out: Arrays,
    begin: Scalar,
    end: Scalar,
) -> None:
    """Write vanna, volga, charm and speed from the other Greeks."""
    _, deltas, gammas, vegas, _, _, vanna, volga, charm, speed = out
    for k in range(end - begin):
        i = begin + k
        first, inverse = rows[_FIRST, k], rows[_INVERSE_DEVIATION, k]
        root_years, inverse_spot = rows[_ROOT_YEARS, k], rows[_INVERSE_SPOT, k]
        second = first - contracts.given[i] * root_years
        # d2 / sigma and 1 / T, from the reciprocal that is there.
        slope = second * root_years * inverse
        inverse_root = contracts.given[i] * inverse
        density = gammas[i] * (contracts.given[i] * root_years) / inverse_spot
        vanna[i] = -density * slope
        volga[i] = vegas[i] * first * slope
        carry = (contracts.rate[i] - contracts.dividend_yield[i]) * inverse
        decay = carry - 0.5 * second * inverse_root * inverse_root
        charm[i] = contracts.dividend_yield[i] * deltas[i] - density * decay
        speed[i] = -gammas[i] * inverse_spot * (first * inverse + 1.0)


@_inlined
def _count_odd(rows: Array, count: Scalar) -> Scalar:
    odd = 0
    for k in range(count):
        odd += rows[_ODD, k] > 0.0
    return odd


@_inlined
def _collect(rows: Array, begin: Scalar, end: Scalar, odd_rows: Array, found: Scalar) -> Scalar:
    """Append the odd rows of a block to ``odd_rows`` and return their new count."""
    if _count_odd(rows, end - begin) > 0:
        for k in range(end - begin):
            if rows[_ODD, k] > 0.0:
                odd_rows[found] = begin + k
                found += 1
    return found


# The signatures for numba, whose types are not typed.
_types: Any = numba_types
_column = float64[::1]
_contracts = _types.NamedTuple(
    (_column, _column, _column, _column, _column, boolean[::1], _column), Contracts
)
_positions = int64[::1]


@_kernel(int64(_contracts, _types.UniTuple(_column, 10), int64, _positions))
def value(contracts: Contracts, out: Arrays, outputs: Scalar, odd_rows: Array) -> Scalar:
    """Write the first 1, 6 or 10 of the Greeks; the rest of ``out`` is not touched.

    Rows at a limit and rows with invalid inputs are left to the caller: their positions are written to ``odd_rows``, and
    their number is returned.  A row whose volatility is NaN is NaN throughout and not among them.
    """
    rows = np.empty((_ROWS, BLOCK))
    start, stop = _ZERO, np.uintp(contracts.spot.shape[0])
    found = 0
    while start < stop:
        end = min(start + _BLOCK, stop)
        _write_terms(contracts, rows, start, end)
        _standardize(contracts, rows, start, end)
        if outputs == 1:
            _write_prices(contracts, rows, out[0], start, end)
        else:
            _write_basic(contracts, rows, out[:6], start, end)
            if outputs > _BASIC:
                _write_extended(contracts, rows, out, start, end)
        found = _collect(rows, start, end, odd_rows, found)
        start = end
    return found


@_stage
def _pose(
    contracts: Contracts,
    rows: Array,
    singles: Array,
    begin: Scalar,
    end: Scalar,
) -> None:
    """Write x, b and b_max of each row, harmless ones where there is no solution."""
    for k in range(end - begin):
        i = begin + k
        whole_spot, whole_strike = rows[_WHOLE_SPOT, k], contracts.strike[i] * rows[_DISCOUNT, k]
        gap = whole_spot - whole_strike
        payoff = gap if contracts.is_call[i] else -gap
        payoff = max(payoff, 0.0)
        value = contracts.given[i] - payoff
        most = whole_spot if gap < 0.0 else whole_strike
        solvable = (
            (value > ROUNDING_OF_PAYOFF * payoff) & (value < most) & (contracts.years[i] > 0.0)
        )
        scale = 1.0 / math.sqrt(whole_spot * whole_strike)
        value = value * scale
        solvable &= value > SMALLEST_VALUE
        log_moneyness = abs(rows[_DRIFT, k] - _log(contracts.strike[i] * rows[_INVERSE_SPOT, k]))
        log_moneyness = log_moneyness if solvable else 1.0
        rows[_LOG_MONEYNESS, k] = log_moneyness
        rows[_VALUE, k] = value if solvable else 0.1
        rows[_MOST, k] = most * scale if solvable else 1.0
        rows[_WIDTH, k] = abs(gap) * scale if solvable else 1.0
        rows[_SOLVABLE, k] = 1.0 if solvable else 0.0
        singles[_SINGLE_LOG_MONEYNESS, k] = np.float32(log_moneyness)


@_stage
def _guess(rows: Array, singles: Array, count: Scalar) -> None:
    """Write the first guess of each deviation, as the numpy kernels do."""
    for k in range(count):
        value, width = rows[_VALUE, k], rows[_WIDTH, k]
        singles[_LOG_RATIO, k] = np.float32(_coarse_log(1.0 + width / value))
        singles[_NEAR_GUESS, k] = np.float32(_ROOT_TWO_PI * (value + 0.5 * width))
    for k in range(count):
        singles[_DEVIATION, k] = _guess_of(
            singles[_SINGLE_LOG_MONEYNESS, k], singles[_LOG_RATIO, k], singles[_NEAR_GUESS, k]
        )


@_inlined
def _guess_of(log_moneyness: Scalar, log_ratio: Scalar, near_guess: Scalar) -> Scalar:
    a, b, c, d = BACHELIER_TOP, BACHELIER_BOTTOM, LOGNORMAL_TOP, LOGNORMAL_BOTTOM
    top = a[0] + log_ratio * (a[1] + log_ratio * a[2])
    bottom = b[0] + log_ratio * (b[1] + log_ratio * (b[2] + log_ratio * b[3]))
    guess = log_moneyness * np.sqrt(bottom / (top * log_ratio * log_ratio))
    guess = near_guess if log_ratio < _NEAR_THE_MONEY else guess
    u = guess * guess
    u = min(u, LARGEST_CORRECTION)
    guess = guess * (c[0] + u * (c[1] + u * c[2])) / (d[0] + u * d[1])
    return max(_SINGLE_SMALLEST_DEVIATION, guess)


@_stage
def _recall(sigma: Array, rows: Array, singles: Array, begin: Scalar, end: Scalar) -> None:
    """Write the deviation of a former solution as the first guess."""
    for k in range(end - begin):
        singles[_DEVIATION, k] = np.float32(sigma[begin + k] * rows[_ROOT_YEARS, k])


@_stage
def _aim(rows: Array, singles: Array, count: Scalar) -> None:
    """Choose the objective of each row by the side of the inflection on which its guess lies."""
    for k in range(count):
        guess = np.float64(singles[_DEVIATION, k])
        right = 0.5 * guess * guess > rows[_LOG_MONEYNESS, k]
        target = rows[_MOST, k] - rows[_VALUE, k] if right else rows[_VALUE, k]
        rows[_TARGET, k] = target
        singles[_GOAL, k] = np.float32(_coarse_log(target))
        singles[_SLOPE, k] = np.float32(-1.0 if right else 1.0)


@_stage
def _step_coarsely(singles: Array, count: Scalar) -> None:
    """Move each deviation by one step in single precision, which doubles the rows of a vector."""
    for k in range(count):
        singles[_DEVIATION, k] = _single_step(
            singles[_SINGLE_LOG_MONEYNESS, k],
            singles[_GOAL, k],
            singles[_SLOPE, k],
            singles[_DEVIATION, k],
        )


@_inlined
def _single_step(log_moneyness: Scalar, goal: Scalar, slope: Scalar, deviation: Scalar) -> Scalar:
    """Return the result of :func:`_step` in single precision."""
    inverse = _1 / deviation
    h, t = log_moneyness * inverse, _HALF * deviation
    near, far = (h - t) * slope, h + t
    near = min(near, _SINGLE_FARTHEST_ARGUMENT)
    far = min(far, _SINGLE_FARTHEST_ARGUMENT)
    top, bottom = _single_mills(near)
    far_top, far_bottom = _single_mills(far)
    ratio = top / bottom - slope * (far_top / far_bottom)
    gradient = slope / ratio
    newton = goal - _single_log(ratio) + _HALF * (h * h + t * t) + _SINGLE_HALF_LOG_TWO_PI
    newton = newton * ratio * slope
    bend = h * h * inverse - _HALF * t - gradient
    steep = h * inverse
    third = bend * (bend - gradient) - _3 * steep * steep - _QUARTER
    change = newton * (_1 + _HALF * newton * bend)
    change = change / (_1 + newton * (bend + newton * third * _SIXTH))
    lowest = _SINGLE_MOST_DOWN * deviation
    change = max(change, lowest)
    change = min(change, deviation)
    return deviation + change


@_inlined
def _step(log_moneyness: Scalar, target: Scalar, slope: Scalar, deviation: Scalar) -> Scalars:
    """Return the deviation after one step of Householder's method, the change, and whether the step can be trusted.

    The Mills ratios' difference and its reciprocal come from one division of their numerators and denominators.
    """
    inverse = 1.0 / deviation
    h, t = log_moneyness * inverse, 0.5 * deviation
    near, far = (h - t) * slope, h + t
    near = min(near, _FARTHEST_ARGUMENT)
    far = min(far, _FARTHEST_ARGUMENT)
    top, bottom = _mills(near)
    far_top, far_bottom = _mills(far)
    cross, both = top * far_bottom - slope * (far_top * bottom), bottom * far_bottom
    shared = 1.0 / (cross * both)
    ratio, inverse_ratio = cross * cross * shared, both * both * shared
    gradient = slope * inverse_ratio
    newton = _log(target * inverse_ratio) + 0.5 * (h * h + t * t) + _HALF_LOG_TWO_PI
    newton = newton * ratio * slope
    bend = h * h * inverse - 0.5 * t - gradient
    steep = h * inverse
    third = bend * (bend - gradient) - 3.0 * steep * steep - 0.25
    change = newton * (1.0 + 0.5 * newton * bend)
    change = change / (1.0 + newton * (bend + newton * third * (1.0 / 6.0)))
    lowest = -0.6 * deviation
    change = max(change, lowest)
    change = min(change, deviation)
    trusted = (near >= SMALLEST_ARGUMENT) & (cross > 0.0)
    return deviation + change, change, trusted


@_stage
def _step_finely(
    rows: Array, singles: Array, sigma: Array, begin: Scalar, end: Scalar, tolerance: Scalar
) -> None:
    """Write the volatilities after the last step, and which rows it did not settle."""
    for k in range(end - begin):
        deviation, change, trusted = _step(
            rows[_LOG_MONEYNESS, k],
            rows[_TARGET, k],
            np.float64(singles[_SLOPE, k]),
            np.float64(singles[_DEVIATION, k]),
        )
        solvable = rows[_SOLVABLE, k] > 0.0
        settled = trusted & (abs(change) <= tolerance * deviation)
        told = solvable & (deviation >= SMALLEST_SOLUTION)
        sigma[begin + k] = deviation / rows[_ROOT_YEARS, k] if told else math.nan
        rows[_ODD, k] = 1.0 if solvable & (not settled) else 0.0


@_stage
def _iterate(log_moneyness: Scalar, value: Scalar, most: Scalar, width: Scalar) -> Scalar:
    """Return the deviation of a row that two steps did not settle, NaN where no steps do."""
    log_ratio = np.float32(_coarse_log(1.0 + width / value))
    near_guess = np.float32(_ROOT_TWO_PI * (value + 0.5 * width))
    guess = _guess_of(np.float32(log_moneyness), log_ratio, near_guess)
    inflection = math.sqrt(2.0 * log_moneyness)
    top, bottom = _mills(inflection)
    right = most * (0.5 - top / bottom / _ROOT_TWO_PI) < value
    lowest, highest = (inflection, math.inf) if right else (0.0, inflection)
    slope, target = (-1.0, most - value) if right else (1.0, value)
    deviation = min(max(np.float64(guess), lowest), highest)
    for _ in range(MOST_STEPS):
        deviation, change, _trusted = _step(log_moneyness, target, slope, deviation)
        deviation = min(max(deviation, lowest), highest)
        if abs(change) <= CONVERGED * deviation:
            return deviation if deviation >= SMALLEST_SOLUTION else math.nan
    return math.nan


@_stage
def _finish(rows: Array, sigma: Array, begin: Scalar, end: Scalar) -> None:
    """Solve the rows that are not settled."""
    if _count_odd(rows, end - begin) == 0:
        return
    for k in range(end - begin):
        if rows[_ODD, k] > 0.0:
            deviation = _iterate(
                rows[_LOG_MONEYNESS, k], rows[_VALUE, k], rows[_MOST, k], rows[_WIDTH, k]
            )
            sigma[begin + k] = deviation / rows[_ROOT_YEARS, k]


@_kernel(_types.void(_contracts, _column, boolean))
def solve(contracts: Contracts, sigma: Array, is_warm: Scalar) -> None:
    """Write the volatility of each price to ``sigma``, NaN where there is none.

    When warm, ``sigma`` holds former volatilities, and one step from there replaces a guess and two steps: within half
    a percent the result has nine correct digits; farther away the former volatility is not used.
    """
    rows = np.empty((_ROWS, BLOCK))
    singles = np.empty((_SINGLE_ROWS, BLOCK), np.float32)
    start, stop = _ZERO, np.uintp(contracts.spot.shape[0])
    while start < stop:
        end = min(start + _BLOCK, stop)
        _write_terms(contracts, rows, start, end)
        _pose(contracts, rows, singles, start, end)
        if is_warm:
            _recall(sigma, rows, singles, start, end)
            _aim(rows, singles, end - start)
            _step_finely(rows, singles, sigma, start, end, _NEAR_ENOUGH)
        else:
            _guess(rows, singles, end - start)
            _aim(rows, singles, end - start)
            _step_coarsely(singles, end - start)
            _step_finely(rows, singles, sigma, start, end, CONVERGED)
        _finish(rows, sigma, start, end)
        start = end
