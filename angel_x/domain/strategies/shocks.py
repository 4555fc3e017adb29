"""Contracts repriced after a move of the spot, a change of volatility and some days.

Every state is a full repricing.  The forward moves in proportion to the spot, and its distance from the
spot shrinks with the time left, so that a contract expires at its payoff on the spot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from angel_x.domain.pricing.black_scholes import greeks
from angel_x.domain.pricing.contracts import Contracts
from angel_x.domain.pricing.model_terms import years_of
from angel_x.domain.pricing.pricing_model import PricingModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SECONDS_PER_DAY = 86_400.0


class Shock(NamedTuple):
    """One state of the market."""

    #: Percent by which every spot moves.
    spot_percent: float
    #: Relative change of every volatility in percent: -20 takes 0.15 to 0.12.
    vol_percent: float
    #: Calendar days from now.
    days: float


@dataclass(frozen=True, slots=True)
class Axes:
    """The axes of a grid of shocks."""

    spot_percents: Sequence[float]
    vol_percents: Sequence[float]
    days: Sequence[float]

    def shocks(self) -> Iterator[Shock]:
        """Yield every state: days, then spots, then volatilities."""
        for days in self.days:
            for spot in self.spot_percents:
                for vol in self.vol_percents:
                    yield Shock(spot, vol, days)

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.days), len(self.spot_percents), len(self.vol_percents)


@dataclass(frozen=True, slots=True)
class Forwards:
    """Forwards or futures with their market of now, as columns of one length; prices are rupees."""

    spot: Floats
    forward: Floats
    #: Epoch seconds.
    expires_at: Floats
    #: Market time of now, epoch seconds.
    at: float
    model: PricingModel = PricingModel.BLACK76

    def years(self, days: float = 0.0) -> Floats:
        """Return the years that are left after some days."""
        return years_of(self.model, self.expires_at, self.at + days * SECONDS_PER_DAY)

    def values(self, shock: Shock) -> Floats:
        """Return rupees a unit in a state of the market; those of the spot from the expiry on."""
        carry = np.log(self.forward / self.spot)
        left = self.years(shock.days) / np.maximum(self.years(), np.finfo(np.float64).tiny)
        moved: Floats = self.spot * (1.0 + shock.spot_percent / 100.0) * np.exp(carry * left)
        return moved


@dataclass(frozen=True, slots=True)
class Priced:
    """Options with their market of now, as columns of one length; prices are rupees."""

    spot: Floats
    forward: Floats
    #: A fraction.
    implied_vol: Floats
    strike: Floats
    is_call: NDArray[np.bool_]
    #: Epoch seconds.
    expires_at: Floats
    #: Market time of now, epoch seconds.
    at: float
    rate: float
    model: PricingModel = PricingModel.BLACK76

    def after(self, shock: Shock) -> Contracts:
        """Return the contracts in a state of the market, as Black-76 on their forwards."""
        forwards = Forwards(self.spot, self.forward, self.expires_at, self.at, self.model)
        left = forwards.years(shock.days)
        rate = np.broadcast_to(np.float64(self.rate), left.shape)
        return Contracts(
            spot=forwards.values(shock),
            strike=self.strike,
            years=left,
            rate=rate,
            dividend_yield=rate,
            is_call=self.is_call,
            given=self.implied_vol * (1.0 + shock.vol_percent / 100.0),
        )

    def values(self, shock: Shock) -> Floats:
        """Return rupees a unit in a state of the market."""
        return prices_of(self.after(shock))


UNCHANGED = Shock(0.0, 0.0, 0.0)


def prices_of(contracts: Contracts) -> Floats:
    """Return the price of each contract in rupees."""
    terms = contracts.spot, contracts.strike, contracts.years, contracts.rate
    found: Floats = greeks(*terms, contracts.dividend_yield, contracts.given, contracts.is_call)[
        "price"
    ]
    return found


def profit_grid(priced: Priced | Forwards, quantity: NDArray[np.int64], axes: Axes) -> Floats:
    """Return the change of value in rupees from now, shape (days, spots, volatilities)."""
    now = priced.values(UNCHANGED)
    changes = [quantity @ (priced.values(shock) - now) for shock in axes.shocks()]
    return np.array(changes).reshape(axes.shape)
