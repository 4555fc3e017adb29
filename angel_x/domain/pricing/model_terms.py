"""Underlying price, time and rates of a chain, by pricing model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from angel_x.domain.calendar.expiry import calendar_years_to_expiry, years_to_expiry
from angel_x.domain.pricing.contracts import Contracts
from angel_x.domain.pricing.forward import ForwardSource, implied_forwards
from angel_x.domain.pricing.pricing_model import PricingModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.pricing.forward import Chains, Pairs

    Floats = NDArray[np.float64]


class ModelTerms(NamedTuple):
    """One row for each chain."""

    #: The underlying price of the model: the forward, or the spot.
    underlying: Floats
    years: Floats
    rate: float
    dividend_yield: float
    #: Rupees and the :class:`ForwardSource`, both NaN where there is no forward.
    forward: Floats
    source: Floats
    #: The derivative of :attr:`underlying` by the spot.
    basis: Floats

    def contracts(
        self,
        chain: NDArray[np.intp],
        strike: Floats,
        is_call: NDArray[np.bool_],
        given: Floats,
    ) -> Contracts:
        """Return the contracts whose chains are the rows ``chain`` of the terms."""
        return Contracts(
            spot=self.underlying[chain],
            strike=strike,
            years=self.years[chain],
            rate=np.broadcast_to(np.float64(self.rate), chain.shape),
            dividend_yield=np.broadcast_to(np.float64(self.dividend_yield), chain.shape),
            is_call=is_call,
            given=given,
        )


def years_of(model: PricingModel, expires_at: Floats, at: float) -> Floats:
    """Return the years to expiry by the day count of a model; both times are epoch seconds."""
    if model is PricingModel.EXCHANGE:
        return calendar_years_to_expiry(expires_at, at)
    return years_to_expiry(expires_at, at)


def model_terms(model: PricingModel, pairs: Pairs, chains: Chains) -> ModelTerms:
    """Return the terms of every chain, whose years and rate are those of the model."""
    rate, years = chains.rate, chains.years
    if model is PricingModel.BLACK76:
        forward, codes = implied_forwards(pairs, chains)
        source, basis = _known(codes, forward), forward / chains.spot
        return ModelTerms(forward, years, rate, rate, forward, source, basis)
    forward = chains.spot * np.exp(rate * years)
    carried = np.full(years.shape, ForwardSource.SPOT_CARRY, np.int8)
    source = _known(carried, forward)
    return ModelTerms(chains.spot, years, rate, 0.0, forward, source, np.ones_like(forward))


def _known(codes: NDArray[np.int8], forward: Floats) -> Floats:
    return np.where(np.isnan(forward), np.nan, codes)
