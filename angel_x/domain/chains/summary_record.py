"""Summaries of the chains of an underlying, one for each expiry, as the API sends them.

The API writes these records and the client library reads them, so nothing here needs numpy.
Volatilities are fractions, open interest and volume units; a missing number is None and has its
reason in ``reasons``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from angel_x.domain.contracts.contract import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class SmilePoint:
    """The volatility of one strike, from its out-of-the-money right."""

    strike: Decimal
    #: ln(strike / forward).
    log_moneyness: float
    #: A fraction: 0.15 is 15 vol points.
    implied_vol: float
    #: The out-of-the-money right: puts below the forward, calls at and above it.
    right: Right


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeSummary:
    """The open contracts of one strike."""

    strike: Decimal
    #: Units.
    call_oi: int
    put_oi: int
    #: Rupees that all open contracts of the expiry pay if the underlying closes at this strike.
    payout: float
    #: As that of the expiry; None where no contract with open interest has a gamma, or without a spot.
    gamma_exposure: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpirySummary:
    """One expiry of an underlying."""

    expiry: date
    forward: Decimal | None
    #: ``parity``, ``futures`` or ``spot_carry``.
    forward_source: str | None
    #: Volatility at the forward, by linear total variance between the strikes around it.
    atm_vol: float | None
    #: Volatility of the call of 25 delta less that of the put.
    risk_reversal_25: float | None
    #: The mean of both less :attr:`atm_vol`.
    butterfly_25: float | None
    #: Puts divided by calls.
    oi_put_call_ratio: float | None
    volume_put_call_ratio: float | None
    #: The listed strike with the least total payout of open contracts at expiry; of several the
    #: lowest.
    max_pain: Decimal | None
    #: Change of the delta in rupees for a rise of the spot by 1 %; calls count positive, puts negative.
    gamma_exposure: float | None
    total_oi: int
    call_oi: int
    put_oi: int
    call_volume: int
    put_volume: int
    #: Units of open interest in contracts without Greeks, which the gamma exposure leaves out.
    unpriced_oi: int
    #: Listed contracts, those without a quote, whose open interest counts as none, and those with
    #: an implied volatility.
    contracts: int
    unquoted: int
    priced: int
    #: Seconds since the request of the oldest Greeks, and since the receipt of the oldest quote.
    age_seconds: float | None
    quote_age_seconds: float | None
    #: By strike; strikes without a volatility are left out.
    smile: tuple[SmilePoint, ...]
    #: By strike, of every listed one.
    strikes: tuple[StrikeSummary, ...]
    #: The reasons of missing numbers, by field name.
    reasons: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSummary:
    """The requested expiries of an underlying, the nearest first."""

    underlying: str
    spot: Decimal | None
    #: Seconds since the price of the underlying was received.
    spot_age_seconds: float | None
    lot_size: int
    expiries: tuple[ExpirySummary, ...]
    #: Those of them beyond the last published list of holidays: a holiday may still move them.
    provisional_expiries: tuple[date, ...] = ()
