"""Implied forward, implied volatility, Greeks and risk arrays of whole chains, in one vectorised pass.

By default the model is Black-76 on the forward of each chain, so a call and a put of one strike
share one volatility.  Every row is solved from its own quote: as in ``implied_vol``, from its time
value, which by parity is the price of the out-of-the-money side.  Only where an in-the-money quote
has no time value, its volatility is that of its twin, the other right of the strike, under the
status ``from_twin``: a trader needs the delta, and by parity the twin's quote is a quote for both.
A row without a valid quote of its own has no numbers, even if its twin has some.

Risk arrays are those of the clearing corporation's model, Black-Scholes-Merton on the spot: its files move the
spot, not the forward, and a volatility of that model is solved for every row.  With the implied forward a short
call at the money would come out four percent higher than its file of 29 May 2026.

Greeks are converted to derivatives by the spot, which add up across expiries.  Theta and charm hold
the forward constant; rho is the effect of a shift of the rate at a constant spot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from angel_x.domain.margin.risk_arrays import (
    DELTA_ROW,
    MARK_ROW,
    RISK_ROWS,
    SCENARIOS,
    Scan,
    write_losses,
)
from angel_x.domain.pricing.black_scholes import BASIC_COUNT
from angel_x.domain.pricing.forward import Chains, Pairs
from angel_x.domain.pricing.greek import GREEK_FIELDS, GREEKS, OUTPUTS, GreekField
from angel_x.domain.pricing.iv_status import IvStatus
from angel_x.domain.pricing.kernels import NUMPY
from angel_x.domain.pricing.marks import QuoteAge, last_prices, marks_of
from angel_x.domain.pricing.model_terms import model_terms, years_of
from angel_x.domain.pricing.pricing_model import PricingModel
from angel_x.domain.pricing.pricing_status import MarketStatus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe
    from angel_x.domain.margin.span import SpanParameters
    from angel_x.domain.pricing.contracts import Contracts, Flags, Floats
    from angel_x.domain.pricing.iv_status import Statuses
    from angel_x.domain.pricing.kernels import Kernels
    from angel_x.domain.pricing.marks import Marks
    from angel_x.domain.pricing.model_terms import ModelTerms

    Rows = NDArray[np.intp]

_SPOT_POWERS = {greek.field: greek.spot_power for greek in GREEKS if greek.spot_power}
_MODEL_FIELDS = slice(GreekField.PRICE, GreekField.PRICE + len(OUTPUTS))


@dataclass(frozen=True, slots=True)
class MarketRows:
    """Market data for some rows of the universe."""

    #: One quote for each row.
    quotes: NDArray[np.void]
    #: One quote for each underlying, in the order of ``universe.underlyings``.
    spots: NDArray[np.void]
    #: Market time, epoch seconds.
    at: float
    #: The annual rate at which payoffs are discounted.
    rate: float
    #: One quote for each chain of the universe: the future of the same underlying and expiry, zeros
    #: where there is none.  None where futures are unknown.
    futures: NDArray[np.void] | None = None
    #: Wall clock in milliseconds since the epoch, from which the age of quotes is counted.
    now_ms: int = 0
    #: An older quote counts as stale.
    max_quote_age_seconds: float = math.inf
    #: The parameters of the risk arrays; without them the arrays are NaN.
    span: SpanParameters | None = None

    @property
    def quote_age(self) -> QuoteAge:
        return QuoteAge(self.now_ms, self.max_quote_age_seconds)


class PricedChains(NamedTuple):
    """The result of one pass over whole chains."""

    #: Columns of :class:`GreekField` in kernel units.
    greeks: Floats
    #: The risk array of one long unit: its losses in rupees, its delta and its mark.
    risk: Floats


def price_chains(
    universe: Universe,
    start: int,
    stop: int,
    market: MarketRows,
    kernels: Kernels = NUMPY,
    model: PricingModel = PricingModel.BLACK76,
) -> PricedChains:
    """Return the Greeks and the risk arrays of the rows ``start:stop``, which must be whole chains.

    A row without a volatility is NaN except for its forward, the source of the forward, and its
    status.  Its risk array is NaN too, unless its quote has no time value: then the values of its
    scenarios are the payoffs.  Losses are counted from the mark, so that mark less loss is the value
    in a scenario, however far a quote is from the model price.
    """
    rows = _Rows.of(universe, start, stop)
    marks = marks_of(market.quotes, market.quote_age)
    terms = _terms(universe, rows, market, marks, model)
    solved = _solved(rows, marks, terms, kernels)
    _copy_from_twins(solved, rows.calls)
    greeks, risk = _columns(stop - start)
    _write_greeks(greeks, solved, terms, rows.chain, kernels)
    if market.span is None:
        risk.fill(np.nan)
    else:
        is_index = market.span.are_indices(universe.underlyings)[rows.underlying]
        daily = market.span.daily_volatilities(universe.underlyings)[rows.underlying]
        price, volatility = market.span.scan_ranges(is_index, terms.years, daily)
        scan = _scan(market.span, price[rows.chain], volatility[rows.chain])
        if model is not PricingModel.BSM:
            on_spot = _terms(universe, rows, market, marks, PricingModel.BSM)
            solved = _solved(rows, marks, on_spot, kernels)
        _write_risk(risk, solved, greeks[GreekField.DELTA], marks.price, scan, kernels)
        risk[MARK_ROW] = np.where(np.isnan(risk[DELTA_ROW]), np.nan, marks.price)
    return PricedChains(greeks, risk)


class _Rows(NamedTuple):
    """The contracts of whole chains with the positions of chains, underlyings and pairs."""

    strike: Floats
    is_call: Flags
    #: The position of each row's chain among the chains of this call.
    chain: Rows
    #: The first row of each chain in the universe, and the position of its underlying there.
    first: Rows
    underlying: NDArray[np.int32]
    #: The calls whose put is listed too, in the next row.
    calls: Rows

    @classmethod
    def of(cls, universe: Universe, start: int, stop: int) -> _Rows:
        rows = slice(start, stop)
        strike, is_call = universe.strike[rows], universe.is_call[rows]
        listed = universe.chain_index[rows]
        is_first = np.append(True, listed[1:] != listed[:-1])
        chain = np.cumsum(is_first) - 1
        first = np.flatnonzero(is_first) + start
        paired = is_call[:-1] & ~is_call[1:] & (strike[1:] == strike[:-1]) & ~is_first[1:]
        calls = np.flatnonzero(paired)
        return cls(strike, is_call, chain, first, universe.underlying_index[first], calls)


class _Solved(NamedTuple):
    """Contracts with their volatilities and statuses."""

    contracts: Contracts
    status: Statuses
    #: The derivative of the model's underlying price by the spot, for each row.
    basis: Floats


def _terms(
    universe: Universe, rows: _Rows, market: MarketRows, marks: Marks, model: PricingModel
) -> ModelTerms:
    """Return the model terms of each chain."""
    call, put = rows.calls, rows.calls + 1
    pairs = Pairs(
        chain=rows.chain[call],
        strike=rows.strike[call],
        call=marks.price[call],
        put=marks.price[put],
        spread=marks.spread[call] + marks.spread[put],
    )
    age, first = market.quote_age, rows.first
    years = years_of(model, universe.expires_at[first], market.at)
    if market.futures is None:
        future = np.full(first.shape, np.nan)
    else:
        future = marks_of(market.futures[universe.chain_index[first]], age).price
    chains = Chains(
        spot=last_prices(market.spots, age)[rows.underlying],
        years=years,
        future=future,
        rate=market.rate,
    )
    return model_terms(model, pairs, chains)


def _solved(rows: _Rows, marks: Marks, terms: ModelTerms, kernels: Kernels) -> _Solved:
    """Return the volatility of each row by its own quote under the terms of a model."""
    contracts = terms.contracts(rows.chain, rows.strike, rows.is_call, marks.price)
    sigma, status = np.empty(rows.strike.size), np.empty(rows.strike.size, np.int8)
    kernels.solve(contracts, sigma, status)
    _name_market_faults(status, marks.status, contracts)
    return _Solved(contracts._replace(given=sigma), status, terms.basis[rows.chain])


def _name_market_faults(status: Statuses, missing: Statuses, contracts: Contracts) -> None:
    """Replace the solver's status by the fault of the market data where there is one."""
    status[np.isnan(contracts.spot)] = MarketStatus.NO_SPOT
    np.copyto(status, missing, where=missing != 0)
    status[contracts.years <= 0.0] = IvStatus.EXPIRED


def _copy_from_twins(solved: _Solved, calls: Rows) -> None:
    """Give rows whose own quote has no time value the volatility of their twin."""
    sigma, status = solved.contracts.given, solved.status
    for own, twin in ((calls, calls + 1), (calls + 1, calls)):
        copied = _is_without_time_value(status[own]) & (status[twin] == IvStatus.OK)
        sigma[own[copied]] = sigma[twin[copied]]
        status[own[copied]] = MarketStatus.FROM_TWIN


def _columns(count: int) -> tuple[Floats, Floats]:
    """Return columns for the Greeks and the risk arrays in one piece of memory.

    The C library returns memory to the system when twice its largest block is free, and every page
    that is requested again costs more than the arithmetic on it.
    """
    columns = np.empty((len(GREEK_FIELDS) + RISK_ROWS, count))
    return columns[: len(GREEK_FIELDS)], columns[len(GREEK_FIELDS) :]


def _write_greeks(
    out: Floats, solved: _Solved, terms: ModelTerms, chain: Rows, kernels: Kernels
) -> None:
    kernels.value(solved.contracts, out[_MODEL_FIELDS])
    basis = solved.basis
    powers = {1: basis, 2: basis * basis, 3: basis * basis * basis}
    for field, power in _SPOT_POWERS.items():
        out[field] *= powers[power]
    out[GreekField.IMPLIED_VOL] = solved.contracts.given
    out[GreekField.FORWARD] = terms.forward[chain]
    out[GreekField.FORWARD_SOURCE] = terms.source[chain]
    out[GreekField.STATUS] = solved.status


def _is_without_time_value(status: NDArray[Any]) -> Flags:
    flags: Flags = (status == IvStatus.BELOW_INTRINSIC) | (status == IvStatus.AT_INTRINSIC)
    return flags


def _scan(span: SpanParameters, price: Floats, volatility: Floats) -> Scan:
    reach = span.extreme_moves, span.extreme_cover, span.look_ahead_years
    return Scan(price, volatility, *reach)


def _write_risk(
    out: Floats, solved: _Solved, delta: Floats, mark: Floats, scan: Scan, kernels: Kernels
) -> None:
    """Write losses from the mark and delta; for a price without time value, those of the payoff.

    ``delta`` is that of the published Greeks, NaN where their model has none.
    """
    contracts = solved.contracts
    payoffs = _is_without_time_value(solved.status)
    contracts = contracts._replace(given=np.where(payoffs, 0.0, contracts.given))
    write_losses(contracts, mark, scan, kernels, out[: len(SCENARIOS)])
    out[DELTA_ROW] = np.where(np.isnan(contracts.given), np.nan, delta)
    missing = np.flatnonzero(np.isnan(delta) & ~np.isnan(contracts.given))
    if missing.size:
        values = np.empty((BASIC_COUNT, missing.size))
        kernels.value(contracts.rows(missing), values)
        out[DELTA_ROW, missing] = values[OUTPUTS.index("delta")] * solved.basis[missing]
