"""The outcome of an implied volatility, and its diagnosis."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from angel_x.domain.pricing.contracts import Contracts, Floats


class IvStatus(IntEnum):
    """The outcome of an implied volatility; codes are stored as int8 and keep their numbers."""

    OK = 0
    #: A spot, strike, time, rate, yield or price is not finite, or a spot or strike is not positive.
    INVALID = 1
    EXPIRED = 2
    NEGATIVE_PRICE = 3
    ZERO_PRICE = 4
    #: At or above the upper bound of the price: the discounted spot of a call, strike of a put.
    ABOVE_MAX = 5
    BELOW_INTRINSIC = 6
    #: The discounted payoff on the forward, within rounding: no time value is left.
    AT_INTRINSIC = 7


#: The name of each status by its code: ``STATUS_NAMES[code]``.
STATUS_NAMES = tuple(status.name.lower() for status in IvStatus)

Statuses: TypeAlias = NDArray[np.int8]

#: A time value below this fraction of the payoff may be rounding of the payoff.
ROUNDING_OF_PAYOFF = 2.0 * float(np.finfo(np.float64).eps)


def diagnose(contracts: Contracts) -> Statuses:
    """Return the status of contracts that have no volatility."""
    price = contracts.given
    payoff, most = _bounds(contracts, np.float64)
    doubtful = np.flatnonzero(np.abs(price - payoff) <= ROUNDING_OF_PAYOFF * payoff)
    excess = price - payoff
    excess[doubtful] = price[doubtful] - _bounds(contracts.rows(doubtful), np.longdouble)[0]
    codes = np.full(price.size, IvStatus.AT_INTRINSIC, np.int8)
    # The weakest reason first: a stronger one replaces it.
    codes[excess < 0.0] = IvStatus.BELOW_INTRINSIC
    codes[price >= most] = IvStatus.ABOVE_MAX
    codes[price == 0.0] = IvStatus.ZERO_PRICE
    codes[price < 0.0] = IvStatus.NEGATIVE_PRICE
    codes[contracts.years <= 0.0] = IvStatus.EXPIRED
    codes[~(contracts.priceable() & np.isfinite(price))] = IvStatus.INVALID
    return codes


def _bounds(contracts: Contracts, digits: type[np.floating[Any]]) -> tuple[Floats, Floats]:
    """Return the discounted payoff on the forward and the largest price, computed in ``digits``.

    Prices near the payoff are compared in long double, which has more digits than float64 on most platforms.
    """
    years = contracts.years.astype(digits, copy=False)
    spot_leg = contracts.spot * np.exp(-contracts.dividend_yield * years)
    strike_leg = contracts.strike * np.exp(-contracts.rate * years)
    payoff = np.where(contracts.is_call, spot_leg - strike_leg, strike_leg - spot_leg)
    return payoff, np.where(contracts.is_call, spot_leg, strike_leg)
