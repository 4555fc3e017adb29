"""What each pricing model takes for the price, the time and the rates of a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from angel_x.domain.pricing.contracts import Contracts
from angel_x.domain.pricing.forward import ForwardSource, implied_forwards
from angel_x.domain.pricing_model import PricingModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.pricing.forward import Chains, Pairs

    Floats = NDArray[np.float64]

#: What the exchange's website discounts and grows at.
EXCHANGE_RATE = 0.10


class ModelTerms(NamedTuple):
    """One row a chain."""

    #: The price that the model works on: the forward, or the spot.
    underlying: Floats
    years: Floats
    rate: float
    dividend_yield: float
    #: Rupees, NaN where there is none, and the :class:`ForwardSource` or NaN.
    forward: Floats
    source: Floats
    #: What :attr:`underlying` moves by when the spot moves by one.
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


def model_terms(
    model: PricingModel, pairs: Pairs, chains: Chains, calendar_years: Floats
) -> ModelTerms:
    """Return the terms of every chain; the exchange's convention counts ``calendar_years``."""
    if model is PricingModel.BLACK76:
        forward, codes = implied_forwards(pairs, chains)
        source, basis = _known(codes, forward), forward / chains.spot
        rate = chains.rate
        return ModelTerms(forward, chains.years, rate, rate, forward, source, basis)
    rate, years = chains.rate, chains.years
    if model is PricingModel.EXCHANGE:
        rate, years = EXCHANGE_RATE, calendar_years
    forward = chains.spot * np.exp(rate * years)
    carried = np.full(years.shape, ForwardSource.SPOT_CARRY, np.int8)
    source = _known(carried, forward)
    return ModelTerms(chains.spot, years, rate, 0.0, forward, source, np.ones_like(forward))


def _known(codes: NDArray[np.int8], forward: Floats) -> Floats:
    return np.where(np.isnan(forward), np.nan, codes)
