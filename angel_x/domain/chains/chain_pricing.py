"""Implied forward, implied volatility, Greeks and risk arrays of whole chains, in one vectorised pass.

By default the model is Black-76 on the forward of each chain, so a call and a put of one strike
share one volatility.  Every row is solved from its own quote: as in ``implied_vol``, from its time
value, which by parity is the price of the out-of-the-money side.  Only where an in-the-money quote
holds no time value, its volatility is that of its twin, the other side of the strike, under the
status ``from_twin``: a trader needs the delta, and by parity the twin's quote is a quote for both.
Where a row has no believable quote of its own, it has no numbers, whatever the twin says.

Greeks are turned into those of the spot, which add up across expiries.  Theta and charm hold the
forward where it is; rho is what a shift of the rate does while the spot stands.
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
    """The market as some rows of the universe see it."""

    #: One quote a row.
    quotes: NDArray[np.void]
    #: One quote an underlying, in the order of ``universe.underlyings``.
    spots: NDArray[np.void]
    #: Market time, epoch seconds.
    at: float
    #: The annual rate at which payoffs are discounted.
    rate: float
    #: One quote a chain of the universe: the future of the same underlying and expiry, zeros where
    #: there is none.  None where nobody knows of futures.
    futures: NDArray[np.void] | None = None
    #: Wall clock in milliseconds since the epoch, against which the age of every quote is told.
    now_ms: int = 0
    #: An older quote counts as stale.
    max_quote_age_seconds: float = math.inf
    #: The parameters of the risk arrays, which stay empty without them.
    span: SpanParameters | None = None

    @property
    def quote_age(self) -> QuoteAge:
        return QuoteAge(self.now_ms, self.max_quote_age_seconds)


class PricedChains(NamedTuple):
    """What one pass over whole chains finds out."""

    #: Columns of :class:`GreekField` in kernel units.
    greeks: Floats
    #: Rupees lost by one long unit in the scenarios of ``risk_arrays``, its delta and its mark.
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

    A row without a volatility is NaN but for its forward, the source of that, and the status that
    says why.  Its risk array is NaN too, unless it has a quote without time value: then its scenarios
    are worth their payoffs.  Losses are counted from the mark, so that mark and losses together say
    what a scenario is worth, however far from the model a quote is.
    """
    rows = _Rows.of(universe, start, stop)
    marks = marks_of(market.quotes, market.quote_age)
    terms = _terms(universe, rows, market, marks, model)
    contracts = terms.contracts(rows.chain, rows.strike, rows.is_call, marks.price)
    sigma, status = np.empty(stop - start), np.empty(stop - start, np.int8)
    kernels.solve(contracts, sigma, status)
    _name_missing(status, marks.status, contracts)
    _ask_twins(sigma, status, rows.calls)
    solved = _Solved(contracts._replace(given=sigma), status, terms.basis[rows.chain])
    greeks, risk = _columns(stop - start)
    _write_greeks(greeks, solved, terms, rows.chain, kernels)
    if market.span is None:
        risk.fill(np.nan)
    else:
        is_index = market.span.are_indices(universe.underlyings)[rows.underlying]
        scan = _scan(market.span, is_index, terms.years, rows.chain)
        _write_risk(risk, solved, greeks[GreekField.DELTA], marks.price, scan, kernels)
        risk[MARK_ROW] = np.where(np.isnan(risk[DELTA_ROW]), np.nan, marks.price)
    return PricedChains(greeks, risk)


class _Rows(NamedTuple):
    """The contracts of whole chains, and how they belong together."""

    strike: Floats
    is_call: Flags
    #: Position of each row's chain among the chains of the call.
    chain: Rows
    #: The first row of each chain in the universe, and the position of its underlying there.
    first: Rows
    underlying: NDArray[np.int32]
    #: The calls whose put is listed too: it stands in the next row.
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
    """Contracts with their volatilities, and why some have none."""

    contracts: Contracts
    status: Statuses
    #: What the price that the model works on moves by when the spot moves by one.
    basis: Floats


def _terms(
    universe: Universe, rows: _Rows, market: MarketRows, marks: Marks, model: PricingModel
) -> ModelTerms:
    """Return what the model needs to know of each chain."""
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


def _name_missing(status: Statuses, missing: Statuses, contracts: Contracts) -> None:
    """Say what is wrong with the market where something is, and not just that nothing was solved."""
    status[np.isnan(contracts.spot)] = MarketStatus.NO_SPOT
    np.copyto(status, missing, where=missing != 0)
    status[contracts.years <= 0.0] = IvStatus.EXPIRED


def _ask_twins(sigma: Floats, status: Statuses, calls: Rows) -> None:
    """Give rows whose own quote holds no time value the volatility of the other side of their strike."""
    for own, twin in ((calls, calls + 1), (calls + 1, calls)):
        asks = _is_without_time_value(status[own]) & (status[twin] == IvStatus.OK)
        sigma[own[asks]] = sigma[twin[asks]]
        status[own[asks]] = MarketStatus.FROM_TWIN


def _columns(count: int) -> tuple[Floats, Floats]:
    """Return columns for the Greeks and the risk arrays in one piece of memory.

    The C library gives memory back to the system when twice its largest piece lies idle, and every
    page that comes back costs more than the arithmetic on it.
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


def _scan(span: SpanParameters, is_index: Flags, years: Floats, chain: Rows) -> Scan:
    price, volatility = span.scan_ranges(is_index, years)
    reach = span.extreme_moves, span.extreme_cover, span.look_ahead_years
    return Scan(price[chain], volatility[chain], *reach)


def _write_risk(
    out: Floats, solved: _Solved, delta: Floats, mark: Floats, scan: Scan, kernels: Kernels
) -> None:
    """Write the losses, from the mark, and the delta; of a price without time value those of the payoff."""
    contracts = solved.contracts
    payoffs = np.flatnonzero(_is_without_time_value(solved.status))
    if payoffs.size:
        contracts = contracts._replace(given=contracts.given.copy())
        contracts.given[payoffs] = 0.0
        certain = np.empty((BASIC_COUNT, payoffs.size))
        kernels.value(contracts.rows(payoffs), certain)
        delta = delta.copy()
        delta[payoffs] = certain[OUTPUTS.index("delta")] * solved.basis[payoffs]
    write_losses(contracts, mark, scan, kernels, out[: len(SCENARIOS)])
    out[DELTA_ROW] = delta
