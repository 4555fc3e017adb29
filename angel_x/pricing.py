"""The pricing functions that callers outside Angel-X rely on: names, arguments and units are fixed.

numba does the arithmetic where it is installed, numpy everywhere else; the results agree to 16 units of rounding.
"""

from __future__ import annotations

from functools import cache

from numpy.typing import ArrayLike

from angel_x.domain.pricing.black_scholes import named_greeks
from angel_x.domain.pricing.contracts import Floats
from angel_x.domain.pricing.implied_vol import solved
from angel_x.domain.pricing.iv_status import STATUS_NAMES, IvStatus, Statuses
from angel_x.domain.pricing.kernels import Kernels, chosen

__all__ = ["STATUS_NAMES", "IvStatus", "greeks", "implied_vol"]


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
    return named_greeks(_kernels().value, numbers, is_call, extended=extended)


def implied_vol(
    price: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    is_call: ArrayLike,
) -> tuple[Floats, Statuses]:
    """Return the annual volatility of each price and an int8 :class:`IvStatus`; NaN wherever that is not OK.

    The arguments broadcast; both results have their common shape, ``()`` for scalars.  Accurate to a few rounding errors
    of the inputs.  Black-76 is the forward for ``spot`` and ``dividend_yield`` equal to ``rate``.
    """
    numbers = (spot, strike, years, rate, dividend_yield, price)
    return solved(_kernels().solve, numbers, is_call)


@cache
def _kernels() -> Kernels:
    """Return the fastest kernels that are installed, found at the first call: importing this module compiles nothing."""
    return chosen("auto")
