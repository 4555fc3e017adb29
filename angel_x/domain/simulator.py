"""A seeded market: spots that wander, a smile that stands, and the quotes that follow from both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.expiry import years_to_expiry
from angel_x.domain.market_move import MarketMove
from angel_x.domain.pricing.black_scholes import greeks
from angel_x.domain.quote import QUOTE
from angel_x.domain.smile import Smile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.universe import Universe

#: An index moves while the exchange trades: about 252 sessions of 6 hours 25 minutes.
_TRADING_SECONDS_PER_YEAR = 252.0 * 6.42 * 3_600.0


@dataclass(frozen=True, slots=True)
class MarketHabits:
    """How a simulated market behaves.  Rates and volatilities are per year."""

    step: timedelta = timedelta(milliseconds=100)
    volatility: float = 0.13
    #: How strongly a spot is drawn back to where it began, so that its strikes stay around it.
    reversion_per_second: float = 1 / 3_600
    rate: float = 0.065
    #: What the forward gains on the spot.
    carry: float = 0.065
    smile: Smile = field(default_factory=Smile)
    #: Chance of a new quote in one step at the money, and far away from it.
    busiest: float = 0.6
    quietest: float = 0.02
    #: Share of the spot within which most quotes move.
    busy_width: float = 0.012
    #: Half the distance of bid and ask as a share of the premium, one tick at least.
    half_spread: float = 0.0015
    #: Lots that one side of a quote displays far away from the money: from the first on, below the
    #: second.
    depth_lots: tuple[int, int] = (10, 80)
    #: How many times as much it is at the money, so that a stream of small orders trades at once.
    crowd: int = 8


def central_strikes(universe: Universe) -> dict[str, float]:
    """Return the middle strike of each underlying: where its spot was when the chain was listed."""
    middles = {}
    for position, name in enumerate(universe.underlyings):
        strikes = np.unique(universe.strike[universe.underlying_index == position])
        middles[name] = float(strikes[len(strikes) // 2])
    return middles


class Simulator:
    """Quotes for every contract of a universe, the same ones for the same seed.

    Args:
        universe: The contracts.
        spots: Where each underlying begins, in rupees.
        seed: What all chance is drawn from.
        starts_at: Market time of the first move.
        habits: How the market behaves.
    """

    name = "simulator"

    def __init__(
        self,
        universe: Universe,
        spots: Mapping[str, float],
        *,
        seed: int,
        starts_at: datetime,
        habits: MarketHabits | None = None,
    ) -> None:
        self.universe = universe
        self._habits = habits or MarketHabits()
        self._starts_at = starts_at
        self._seed = seed
        self._anchor = np.array([spots[name] for name in universe.underlyings], np.float64)
        self._restart()

    def moves(self) -> Iterator[MarketMove]:
        """Yield every contract once, then without end what each step brings."""
        self._restart()
        at = self._starts_at
        yield self._move(at, np.arange(len(self.universe)))
        while True:
            at += self._habits.step
            self._spot = self._next_spot()
            yield self._move(at, self._busy_rows())

    def _restart(self) -> None:
        self._random = np.random.default_rng(self._seed)
        self._spot = self._anchor.copy()
        self._book = np.zeros(len(self.universe), QUOTE)
        self._book["oi"] = self._opening_interest()

    def _opening_interest(self) -> NDArray[np.int64]:
        lots = self._random.integers(2_000, 20_000, len(self.universe))
        return (1 + lots * self._nearness()).astype(np.int64) * self.universe.lot_size

    def _nearness(self) -> NDArray[np.float64]:
        """Return one at the money, falling to zero away from it."""
        spot = self._spot[self.universe.underlying_index]
        distance = (self.universe.strike / spot - 1.0) / self._habits.busy_width
        result: NDArray[np.float64] = np.exp(-0.5 * distance**2)
        return result

    def _next_spot(self) -> NDArray[np.float64]:
        seconds = self._habits.step.total_seconds()
        pull = -self._habits.reversion_per_second * seconds * np.log(self._spot / self._anchor)
        deviation = self._habits.volatility * np.sqrt(seconds / _TRADING_SECONDS_PER_YEAR)
        shock = deviation * self._random.standard_normal(len(self._spot))
        result: NDArray[np.float64] = self._spot * np.exp(pull + shock)
        return result

    def _busy_rows(self) -> NDArray[np.int64]:
        habits = self._habits
        chance = habits.quietest + (habits.busiest - habits.quietest) * self._nearness()
        return np.flatnonzero(self._random.random(len(self.universe)) < chance)

    def _move(self, at: datetime, rows: NDArray[np.int64]) -> MarketMove:
        rows = rows[self.universe.expires_at[rows] > at.timestamp()]
        self._requote(rows, self._fair_paise(at, rows))
        spots = np.zeros(len(self._spot), QUOTE)
        spots["last"] = np.rint(self._spot * 100.0)
        return MarketMove(at, rows, self._book[rows], spots)

    def _fair_paise(self, at: datetime, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the Black-76 price of each row on its forward."""
        habits, strike = self._habits, self.universe.strike[rows]
        years = years_to_expiry(self.universe.expires_at[rows], at.timestamp())
        forward = self._spot[self.universe.underlying_index[rows]] * np.exp(habits.carry * years)
        volatility = habits.smile.volatility(forward, strike, years)
        is_call = self.universe.is_call[rows]
        fair = greeks(forward, strike, years, habits.rate, habits.rate, volatility, is_call)
        return fair["price"] * 100.0

    def _requote(self, rows: NDArray[np.int64], fair: NDArray[np.float64]) -> None:
        """Put bid and ask around the fair price, on ticks; both sides are always there."""
        tick, lot = self.universe.tick_paise[rows], self.universe.lot_size[rows]
        half = np.maximum(tick * 0.5, fair * self._habits.half_spread)
        quotes = self._book[rows]
        quotes["bid"] = np.maximum(np.floor((fair - half) / tick), 1) * tick
        quotes["ask"] = np.maximum(np.ceil((fair + half) / tick), quotes["bid"] // tick + 1) * tick
        bought = self._random.random(len(rows)) < 0.5  # noqa: PLR2004  half the trades
        quotes["last"] = np.where(bought, quotes["ask"], quotes["bid"])
        deep = 1.0 + (self._habits.crowd - 1) * self._nearness()[rows]
        for side in ("bid_size", "ask_size"):
            lots = self._random.integers(*self._habits.depth_lots, len(rows))
            quotes[side] = (lots * deep).astype(np.int64) * lot
        traded = self._random.integers(1, 40, len(rows))
        quotes["volume"] += traded * lot
        drift = self._random.integers(-10, 11, len(rows)) * lot
        quotes["oi"] = np.maximum(quotes["oi"] + drift, lot)
        self._book[rows] = quotes
