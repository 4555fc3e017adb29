"""Measures of one expiry: smile, wings, ratios, max pain, gamma exposure.

Every measure is computed from columns and is a number or a :class:`Lack`, the reason why there is
none.  Contracts without a volatility or a quote are left out and never estimated.
"""

from __future__ import annotations

from enum import StrEnum
from math import isfinite, sqrt
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Flags = NDArray[np.bool_]

#: The largest log distance of two strikes for interpolation between their volatilities.
WIDEST_GAP = 0.05
#: The delta of the wings of risk reversal and butterfly, by market convention.
WING_DELTA = 0.25


class Lack(StrEnum):
    """The reason of a missing measure."""

    UNPUBLISHED = "unpublished"
    NO_SPOT = "no_spot"
    NO_FORWARD = "no_forward"
    #: No out-of-the-money contract has an implied volatility.
    NO_VOLATILITY = "no_volatility"
    #: There are volatilities on one side of the forward only.
    ONE_SIDED = "one_sided"
    #: The strikes for interpolation are more than WIDEST_GAP apart.
    STRIKES_TOO_FAR_APART = "strikes_too_far_apart"
    #: No two neighboring strikes have a delta above and one below that of the wing.
    DELTA_NOT_REACHED = "delta_not_reached"
    NO_OPEN_INTEREST = "no_open_interest"
    #: The divisor is zero.
    CALLS_ARE_ZERO = "calls_are_zero"
    #: No contract with open interest has a gamma.
    NO_GAMMA = "no_gamma"


Measured: TypeAlias = float | Lack


class ChainColumns(NamedTuple):
    """The contracts of one expiry, sorted by strike; unknown numbers are NaN."""

    #: Rupees.
    strike: Floats
    is_call: Flags
    #: A fraction per year.
    implied_vol: Floats
    #: Of the spot, like gamma.
    delta: Floats
    gamma: Floats
    #: Units, zero where there is no quote.
    oi: Integers
    volume: Integers


class StrikeInterest(NamedTuple):
    """Open interest of one expiry in units, by strike."""

    #: Rupees, ascending, each once.
    strike: Floats
    calls: Integers
    puts: Integers

    def growth(self) -> Integers:
        """Return the rupees by which the payout grows for each rupee above a strike, up to the next."""
        slope: Integers = np.cumsum(self.calls) - (self.puts.sum() - np.cumsum(self.puts))
        return slope


class Smile(NamedTuple):
    """Volatilities of the out-of-the-money side, one a strike, ascending."""

    strike: Floats
    #: ln(strike / forward).
    log_moneyness: Floats
    implied_vol: Floats
    delta: Floats
    is_call: Flags


def out_of_the_money(chain: ChainColumns, forward: float) -> Smile:
    """Return the smile: puts below the forward and calls at and above it that have a volatility.

    Out-of-the-money prices have no intrinsic value, so they determine the volatility best, and they
    are the most traded.
    """
    out = np.where(chain.is_call, chain.strike >= forward, chain.strike < forward)
    known = out & np.isfinite(chain.implied_vol)
    strike = chain.strike[known]
    moneyness = np.log(strike / forward)
    return Smile(
        strike, moneyness, chain.implied_vol[known], chain.delta[known], chain.is_call[known]
    )


def volatility_at_the_money(smile: Smile) -> Measured:
    """Return the volatility at the forward, a fraction per year.

    Total variance is taken as linear in log-moneyness between the two strikes around the forward.
    In total variance the absence of calendar arbitrage reads as monotonicity, which is why smiles
    are stated in it (Gatheral and Jacquier, "Arbitrage-free SVI volatility surfaces", 2014).
    """
    moneyness, count = smile.log_moneyness, smile.strike.size
    if count == 0:
        return Lack.NO_VOLATILITY
    above = int(np.searchsorted(moneyness, 0.0))
    if above < count and moneyness[above] == 0.0:
        return float(smile.implied_vol[above])
    if above in {0, count}:
        return Lack.ONE_SIDED
    around = slice(above - 1, above + 1)
    if np.ptp(moneyness[around]) > WIDEST_GAP:
        return Lack.STRIKES_TOO_FAR_APART
    # Within one expiry the time is a common factor of both variances.
    return sqrt(np.interp(0.0, moneyness[around], smile.implied_vol[around] ** 2))


def wing_volatility(smile: Smile, *, calls: bool) -> Measured:
    """Return the volatility of the call, or put, whose delta is WING_DELTA in absolute value.

    It is linear in delta between the first strike, from the forward outward, that is past the delta
    and the one before it.
    """
    side = np.flatnonzero((smile.is_call == calls) & np.isfinite(smile.delta))
    outward = side if calls else side[::-1]
    if outward.size == 0:
        return Lack.NO_VOLATILITY
    delta, volatility = np.abs(smile.delta[outward]), smile.implied_vol[outward]
    past = np.flatnonzero(delta <= WING_DELTA)
    if past.size == 0:
        return Lack.DELTA_NOT_REACHED
    first = int(past[0])
    if delta[first] == WING_DELTA:
        return float(volatility[first])
    if first == 0:
        return Lack.DELTA_NOT_REACHED
    if np.ptp(smile.log_moneyness[outward[first - 1 : first + 1]]) > WIDEST_GAP:
        return Lack.STRIKES_TOO_FAR_APART
    pair = [first, first - 1]
    return float(np.interp(WING_DELTA, delta[pair], volatility[pair]))


def risk_reversal(smile: Smile) -> Measured:
    """Return the volatility of the call wing less that of the put wing, a fraction."""
    call, put = wing_volatility(smile, calls=True), wing_volatility(smile, calls=False)
    if isinstance(call, Lack):
        return call
    return put if isinstance(put, Lack) else call - put


def butterfly(smile: Smile) -> Measured:
    """Return the mean volatility of both wings less that at the money, a fraction."""
    call, put = wing_volatility(smile, calls=True), wing_volatility(smile, calls=False)
    middle = volatility_at_the_money(smile)
    if isinstance(call, Lack):
        return call
    if isinstance(put, Lack):
        return put
    return middle if isinstance(middle, Lack) else (call + put) / 2.0 - middle


def put_call_ratio(is_call: Flags, amounts: Integers) -> Measured:
    """Return the total of the puts divided by that of the calls."""
    calls, puts = int(amounts[is_call].sum()), int(amounts[~is_call].sum())
    return puts / calls if calls else Lack.CALLS_ARE_ZERO


def interest_by_strike(chain: ChainColumns) -> StrikeInterest:
    """Return the open interest of each listed strike."""
    strikes, place = np.unique(chain.strike, return_inverse=True)
    calls, puts = np.zeros((2, strikes.size), np.int64)
    np.add.at(calls, place[chain.is_call], chain.oi[chain.is_call])
    np.add.at(puts, place[~chain.is_call], chain.oi[~chain.is_call])
    return StrikeInterest(strikes, calls, puts)


def payouts(interest: StrikeInterest) -> Floats:
    """Return the rupees that open contracts pay at expiry if the underlying closes at each strike.

    The sum over calls and puts of open interest times intrinsic value; :func:`max_pain` is its minimum.
    """
    strike = interest.strike
    if strike.size == 0:
        return np.zeros(0)
    rises = np.diff(strike) * interest.growth()[:-1]
    first = float(interest.puts @ (strike - strike[0]))
    totals: Floats = first + np.concatenate(([0.0], np.cumsum(rises)))
    return totals


def max_pain(interest: StrikeInterest) -> Measured:
    """Return the listed strike, in rupees, with the least total payout of open contracts at expiry.

    The payout is convex and piecewise linear in the settlement price.  Between two listed strikes it
    grows by the open interest of the calls at or below less that of the puts above, so the first
    strike from which it does not fall is the exact minimum, found in whole units without a product.
    Of several such strikes the lowest is returned.
    """
    if not (interest.calls.any() or interest.puts.any()):
        return Lack.NO_OPEN_INTEREST
    return float(interest.strike[np.argmax(interest.growth() >= 0)])


def gamma_exposure(chain: ChainColumns, spot: float) -> Measured:
    """Return the rupees by which the delta of all open contracts changes if the spot moves by 1 %.

    The sum of :func:`contract_exposures`; contracts without a gamma are left out.
    """
    held = chain.oi > 0
    if not held.any():
        return Lack.NO_OPEN_INTEREST
    if not isfinite(spot):
        return Lack.NO_SPOT
    priced = held & np.isfinite(chain.gamma)
    if not priced.any():
        return Lack.NO_GAMMA
    return float(contract_exposures(chain, spot)[priced].sum())


def contract_exposures(chain: ChainColumns, spot: float) -> Floats:
    """Return the gamma exposure of each contract in rupees of delta for 1 % of the spot; NaN without a gamma.

    Gamma times open interest in units times spot squared times 0.01, calls positive and puts negative
    (the convention of SqueezeMetrics, "Gamma Exposure", 2017).  The sign assumes that hedgers are
    long the calls that the public sold and short the puts that it bought.  Holdings are not published,
    so this is a convention and not a measurement.
    """
    sign = np.where(chain.is_call, 1.0, -1.0)
    exposures: Floats = sign * chain.gamma * chain.oi * (spot**2 * 0.01)
    return exposures


def exposure_by_strike(chain: ChainColumns, spot: float) -> Floats:
    """Return the gamma exposure of each listed strike, ascending; NaN without a gamma or a spot.

    The sum over both rights with open interest of :func:`contract_exposures`.
    """
    strikes, place = np.unique(chain.strike, return_inverse=True)
    exposures = contract_exposures(chain, spot)
    priced = (chain.oi > 0) & np.isfinite(exposures)
    known = np.bincount(place[priced], minlength=strikes.size) > 0
    sums = np.bincount(place[priced], weights=exposures[priced], minlength=strikes.size)
    return np.where(known, sums, np.nan)
