"""The pricing functions that callers outside Angel-X rely on: names, arguments and units are fixed.

Arguments broadcast.  ``is_call`` is a boolean, 1 or 0, or ``'c'`` or ``'p'`` (``CE`` and ``PE``, ``call`` and ``put``).
Where arguments are pandas Series, which must share one index, results are Series with it.

numba does the arithmetic where it is installed, numpy everywhere else; the results agree to 16 units of rounding.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from angel_x.domain.pricing.black_scholes import named_greeks
from angel_x.domain.pricing.contracts import Floats, broadcast
from angel_x.domain.pricing.implied_vol import solved
from angel_x.domain.pricing.iv_status import STATUS_NAMES, IvStatus, Statuses
from angel_x.domain.pricing.kernels import Kernels, chosen

__all__ = [
    "STATUS_NAMES",
    "IvStatus",
    "black76_greeks",
    "black76_implied_vol",
    "black76_price",
    "greeks",
    "implied_vol",
    "price",
]

_Array = TypeVar("_Array", bound=np.ndarray[Any, Any])


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
    Black-76 is the forward for ``spot`` and ``dividend_yield`` equal to ``rate``, or :func:`black76_greeks`.
    """
    numbers = (spot, strike, years, rate, dividend_yield, sigma)
    found = named_greeks(_kernels().value, numbers, is_call, extended=extended)
    index = _index_of((*numbers, is_call))
    return {name: _indexed(values, index) for name, values in found.items()}


def price(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
) -> Floats:
    """Return the price alone, as :func:`greeks` does, in about half of its time."""
    numbers = (spot, strike, years, rate, dividend_yield, sigma)
    contracts, shape = broadcast(numbers, is_call)
    out = np.empty(contracts.spot.size)
    _kernels().price(contracts, out)
    return _indexed(out.reshape(shape), _index_of((*numbers, is_call)))


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
    of the inputs.  Black-76 is the forward for ``spot`` and ``dividend_yield`` equal to ``rate``, or
    :func:`black76_implied_vol`.
    """
    numbers = (spot, strike, years, rate, dividend_yield, price)
    sigma, status = solved(_kernels().solve, numbers, is_call)
    index = _index_of((*numbers, is_call))
    return _indexed(sigma, index), _indexed(status, index)


def black76_greeks(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    *,
    extended: bool = False,
) -> dict[str, Floats]:
    """Return the Greeks on a forward, as :func:`greeks` does; delta and gamma are those of the forward.

    Rho is the effect of the rate with the spot and the yield held, not with the forward held.
    """
    return greeks(forward, strike, years, rate, rate, sigma, is_call, extended=extended)


def black76_price(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
) -> Floats:
    """Return the price of an option on a forward, discounted at the rate."""
    return price(forward, strike, years, rate, rate, sigma, is_call)


def black76_implied_vol(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    is_call: ArrayLike,
) -> tuple[Floats, Statuses]:
    """Return volatility and status of prices on a forward, as :func:`implied_vol` does."""
    return implied_vol(price, forward, strike, years, rate, rate, is_call)


def _index_of(arguments: Iterable[object]) -> Any:  # noqa: ANN401 - pandas may not be installed
    """Return the common index of the arguments that are pandas Series, None without one.

    Raises:
        ValueError: Two of them have different indices: rows would be mixed up.
    """
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return None
    indices = [each.index for each in arguments if isinstance(each, pandas.Series)]
    if any(not index.equals(indices[0]) for index in indices):
        raise ValueError("all Series must have one index")
    return indices[0] if indices else None


def _indexed(values: _Array, index: Any) -> _Array:  # noqa: ANN401
    """Return values as a Series where there is an index of their length."""
    if index is None or values.shape != (len(index),):
        return values
    series: _Array = sys.modules["pandas"].Series(values, index=index)
    return series


@cache
def _kernels() -> Kernels:
    """Return the fastest kernels that are installed, found at the first call: importing this module compiles nothing."""
    return chosen("auto")
