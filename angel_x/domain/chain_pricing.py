"""Implied forward, implied volatility and Greeks of whole chains, in one vectorised call each.

The model is Black-76 on the forward that put-call parity implies, or the spot with carry where too
few strikes are quoted, so a call and a put of one strike share one volatility.  Its delta and gamma are turned into those of the spot, which adds up
across expiries; theta holds the forward where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from angel_x.domain.expiry import years_to_expiry
from angel_x.domain.greek_columns import GREEK_FIELDS, GreekField
from angel_x.domain.pricing.black_scholes import greeks
from angel_x.domain.pricing.forward import ChainQuotes, Expiries, implied_forwards
from angel_x.domain.pricing.implied_vol import implied_vol
from angel_x.domain.pricing.iv_status import IvStatus
from angel_x.domain.pricing_status import MarketStatus
from angel_x.domain.quote import mid_paise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.universe import Universe

    Floats = NDArray[np.float64]

_PAISE_PER_RUPEE = 100.0


@dataclass(frozen=True, slots=True)
class MarketRows:
    """The market as some rows of the universe see it."""

    #: One quote a row.
    quotes: NDArray[np.void]
    #: One quote an underlying, in the order of ``universe.underlyings``.
    spots: NDArray[np.void]
    #: Market time, epoch seconds.
    at: float
    #: The annual rate at which payoffs are discounted.
    rate: float


def price_chains(universe: Universe, start: int, stop: int, market: MarketRows) -> Floats:
    """Return the columns of :class:`GreekField` for the rows ``start:stop``, in kernel units.

    The rows must be whole chains.  A row without a volatility is NaN but for its forward and
    the status that says why.
    """
    rows = slice(start, stop)
    strike, is_call = universe.strike[rows], universe.is_call[rows]
    years = years_to_expiry(universe.expires_at[rows], market.at)
    mark = mid_paise(market.quotes) / _PAISE_PER_RUPEE
    spot = _spots(market.spots)[universe.underlying_index[rows]]
    contracts = _Rows(strike, is_call, years, mark, spot)
    forward = _forwards(universe.chain_index[rows], contracts, market.rate)
    rate = market.rate
    sigma, status = implied_vol(mark, forward, strike, years, rate, rate, is_call)
    model = greeks(forward, strike, years, rate, rate, sigma, is_call)
    out = np.empty((len(GREEK_FIELDS), stop - start))
    out[GreekField.IMPLIED_VOL] = sigma
    for name, values in model.items():
        out[GreekField[name.upper()]] = values
    out[GreekField.DELTA] *= forward / spot
    out[GreekField.GAMMA] *= (forward / spot) ** 2
    out[GreekField.FORWARD] = forward
    out[GreekField.STATUS] = _statuses(status, mark, spot)
    return out


class _Rows(NamedTuple):
    """Columns of the rows that are priced; money in rupees, NaN for none."""

    strike: Floats
    is_call: NDArray[np.bool_]
    years: Floats
    mark: Floats
    spot: Floats


def _forwards(chain_index: NDArray[np.int32], rows: _Rows, rate: float) -> Floats:
    """Return the forward of each row's chain in rupees, NaN where the underlying has no price."""
    _, first, chain = np.unique(chain_index, return_index=True, return_inverse=True)
    nothing = np.full(len(chain), np.nan)
    known = np.isfinite(rows.mark)
    quotes = ChainQuotes(chain, rows.strike, rows.is_call, nothing, nothing, rows.mark, known)
    flat = np.full(len(first), rate)
    expiries = Expiries(rows.spot[first], rows.years[first], flat, np.zeros_like(flat))
    return implied_forwards(quotes, expiries)[0][chain]


def _spots(quotes: NDArray[np.void]) -> Floats:
    """Return the last price of each underlying in rupees, NaN for none."""
    last = quotes["last"].astype(np.float64)
    return np.where(last > 0, last, np.nan) / _PAISE_PER_RUPEE


def _statuses(status: NDArray[np.int8], mark: Floats, spot: Floats) -> Floats:
    """Say what is missing where something is, else how the search for a volatility ended."""
    unpriceable = status == IvStatus.INVALID
    named = np.where(unpriceable & np.isnan(spot), MarketStatus.NO_SPOT, status)
    return np.where(unpriceable & np.isnan(mark), MarketStatus.NO_QUOTE, named).astype(np.float64)
