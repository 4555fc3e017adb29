"""A seeded market simulator: random spots, a fixed smile, and quotes from both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.calendar.expiry import years_to_expiry
from angel_x.domain.feed.market_move import MarketMove
from angel_x.domain.pricing.black_scholes import greeks
from angel_x.domain.pricing.smile import SmileCurve
from angel_x.domain.quotes.quote import QUOTE, RECORD
from angel_x.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

#: The distance from the spot, in widths, within which rows are near the money.
_BAND = 4.0
#: The band near the money is updated once in so many steps: a spot takes hours to move by a strike.
_BAND_STEPS = 10
#: The last expiry of a month is within this time of its end, even where a holiday moves it.
_MONTH_END = timedelta(days=9)
_FUTURE_TICK_PAISE = 10

#: An index moves while the exchange trades: about 252 sessions of 6 hours 25 minutes.
_TRADING_SECONDS_PER_YEAR = 252.0 * 6.42 * 3_600.0


@dataclass(frozen=True, slots=True)
class MarketHabits:
    """Parameters of a simulated market.  Rates and volatilities are per year."""

    step: timedelta = timedelta(milliseconds=100)
    volatility: float = 0.13
    #: The rate of mean reversion of a spot to its first value, so that it stays among its strikes.
    reversion_per_second: float = 1 / 3_600
    rate: float = 0.065
    #: The growth rate of the forward over the spot.
    carry: float = 0.065
    smile: SmileCurve = field(default_factory=SmileCurve)
    #: Probability of a new quote in one step at the money, and far from it.
    busiest: float = 0.6
    quietest: float = 0.02
    #: The fraction of the spot within which most quotes move.
    busy_width: float = 0.012
    #: Half of the spread as a fraction of the premium; the spread is at least one tick.
    half_spread: float = 0.0015
    #: Displayed lots of one side of a quote far from the money: at least the first number, below the
    #: second.
    depth_lots: tuple[int, int] = (10, 80)
    #: The multiple of this at the money, so that a stream of small orders trades at once.
    crowd: int = 8


def central_strikes(universe: Universe) -> dict[str, float]:
    """Return the middle strike of each underlying: its approximate spot at the time of listing.

    Raises:
        InvalidInput: Only futures of an underlying are listed.
    """
    middles = {}
    owners = universe.underlying_index[: universe.option_count]
    for position, name in enumerate(universe.underlyings):
        strikes = np.unique(universe.strike[: universe.option_count][owners == position])
        if not len(strikes):
            raise InvalidInput(f"options of an underlying must be listed for its price, was {name}")
        middles[name] = float(strikes[len(strikes) // 2])
    return middles


def monthly_chains(universe: Universe) -> NDArray[np.intp]:
    """Return the chains with the last expiry of a month, for which a future is listed."""
    last: dict[tuple[str, int, int], int] = {}
    for number, chain in enumerate(universe.chains):
        day = chain.expiry
        if (day + _MONTH_END).month != day.month:
            last[chain.underlying, day.year, day.month] = number
    return np.array(sorted(last.values()), np.intp)


class Simulator:
    """Quotes for every contract of a universe, the same ones for the same seed.

    Args:
        universe: The contracts.
        spots: The first spot of each underlying, in rupees.
        seed: The random seed.
        starts_at: Market time of the first move.
        habits: The parameters of the market.
    """

    name = "simulator"
    #: A demonstration works at any hour of any day.
    is_continuous = True
    has_market = True

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
        starts = np.array([chain.start for chain in universe.chains], np.intp)
        self._chain_expiry = universe.expires_at[starts]
        self._chain_underlying = universe.underlying_index[starts]
        self._are_futures = universe.is_future
        self._monthly = monthly_chains(universe)
        self._monthly_expiry = self._chain_expiry[self._monthly]
        self._restart()

    @property
    def cadence(self) -> timedelta:
        """Market time between two moves."""
        return self._habits.step

    def relisted(self, universe: Universe) -> Simulator:
        """Return the same market for the contracts of another universe.

        An underlying with a contract in both universes keeps its spot, so that no held contract
        jumps; any other begins at its middle strike.  A contract of both keeps its open interest and
        volume.
        """
        other = Simulator(
            universe,
            central_strikes(universe),
            seed=self._seed,
            starts_at=self._starts_at,
            habits=self._habits,
        )
        rows = self.universe.rows_in(universe)
        here = {name: n for n, name in enumerate(self.universe.underlyings)}
        shared = set(self.universe.underlying_index[rows >= 0].tolist())
        for place, name in enumerate(universe.underlyings):
            if (number := here.get(name)) in shared:
                other._anchor[place] = self._anchor[number]
                other._spot[place] = self._spot[number]
        other._book.view(RECORD)[rows[rows >= 0]] = self._book.view(RECORD)[rows >= 0]
        other._random = self._random
        other._find_band()
        return other

    def moves(self, since: datetime | None = None) -> Iterator[MarketMove]:
        """Yield a quote of every contract, then the moves of an endless sequence of steps.

        ``since`` sets market time and keeps the spots; without it the market restarts from its seed.
        """
        if since is None:
            self._restart()
        at = since or self._starts_at
        yield self._move(at, np.arange(len(self.universe)))
        while True:
            at += self._habits.step
            self._spot = self._next_spot()
            yield self._move(at, self._busy_rows())

    def _restart(self) -> None:
        self._random = np.random.default_rng(self._seed)
        self._spot = self._anchor.copy()
        self._steps = 0
        self._find_band()
        self._book = np.zeros(len(self.universe), QUOTE)
        self._book["oi"] = self._opening_interest()

    def _find_band(self) -> None:
        """Update the rows near the money and their nearness: one at the money, falling to zero."""
        spot = self._spot[self.universe.underlying_index]
        strike = np.where(self._are_futures, spot, self.universe.strike)
        distance = np.abs(strike / spot - 1.0) / self._habits.busy_width
        self._band = np.flatnonzero(distance < _BAND)
        self._nearness = np.zeros(len(self.universe))
        self._nearness[self._band] = np.exp(-0.5 * distance[self._band] ** 2)

    def _opening_interest(self) -> NDArray[np.int64]:
        lots = self._random.integers(2_000, 20_000, len(self.universe))
        return (1 + lots * self._nearness).astype(np.int64) * self.universe.lot_size

    def _next_spot(self) -> NDArray[np.float64]:
        seconds = self._habits.step.total_seconds()
        pull = -self._habits.reversion_per_second * seconds * np.log(self._spot / self._anchor)
        deviation = self._habits.volatility * np.sqrt(seconds / _TRADING_SECONDS_PER_YEAR)
        shock = deviation * self._random.standard_normal(len(self._spot))
        result: NDArray[np.float64] = self._spot * np.exp(pull + shock)
        return result

    def _busy_rows(self) -> NDArray[np.int64]:
        """Return the rows that get a new quote, ascending; random numbers are drawn for candidates only."""
        self._steps += 1
        if self._steps % _BAND_STEPS == 0:
            self._find_band()
        habits, count = self._habits, len(self.universe)
        is_busy = np.zeros(count, np.bool_)
        is_busy[self._random.integers(0, count, self._random.binomial(count, habits.quietest))] = (
            True
        )
        more = (habits.busiest - habits.quietest) / (1.0 - habits.quietest)
        draws = self._random.random(len(self._band))
        is_busy[self._band[draws < more * self._nearness[self._band]]] = True
        return np.flatnonzero(is_busy)

    def _move(self, at: datetime, rows: NDArray[np.int64]) -> MarketMove:
        rows = rows[self.universe.expires_at[rows] > at.timestamp()]
        quotes = self._requoted(rows, self._fair_paise(at, rows))
        self._book.view(RECORD)[rows] = quotes.view(RECORD)
        spots = np.zeros(len(self._spot), QUOTE)
        spots["last"] = np.rint(self._spot * 100.0)
        return MarketMove(at, rows, quotes, spots, self._futures(at))

    def _futures(self, at: datetime) -> NDArray[np.void]:
        """Return the quote of the future beside each monthly chain: the forward, on its ticks."""
        futures = np.zeros(len(self.universe.chains), QUOTE)
        chains = self._monthly[self._monthly_expiry > at.timestamp()]
        years = years_to_expiry(self._chain_expiry[chains], at.timestamp())
        forward = self._spot[self._chain_underlying[chains]] * np.exp(self._habits.carry * years)
        last = np.rint(forward * 100.0 / _FUTURE_TICK_PAISE).astype(np.int32) * _FUTURE_TICK_PAISE
        futures["last"][chains] = last
        futures["bid"][chains] = last - _FUTURE_TICK_PAISE
        futures["ask"][chains] = last + _FUTURE_TICK_PAISE
        return futures

    def _fair_paise(self, at: datetime, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the Black-76 price of each option on its forward; that of a future is the forward."""
        habits, are_futures = self._habits, self._are_futures[rows]
        years = years_to_expiry(self.universe.expires_at[rows], at.timestamp())
        forward = self._spot[self.universe.underlying_index[rows]] * np.exp(habits.carry * years)
        strike = np.where(are_futures, forward, self.universe.strike[rows])
        volatility = habits.smile.volatility(forward, strike, years)
        is_call = self.universe.is_call[rows]
        fair = greeks(forward, strike, years, habits.rate, habits.rate, volatility, is_call)
        return np.where(are_futures, forward, fair["price"]) * 100.0

    def _requoted(self, rows: NDArray[np.int64], fair: NDArray[np.float64]) -> NDArray[np.void]:
        """Return two-sided quotes around the fair price, on ticks."""
        tick, lot = self.universe.tick_paise[rows], self.universe.lot_size[rows]
        share = np.where(self._are_futures[rows], 0.0, self._habits.half_spread)
        half = np.maximum(tick * 0.5, fair * share)
        quotes = self._book.view(RECORD)[rows].view(QUOTE)
        bid_ticks = np.maximum(np.floor((fair - half) / tick), 1).astype(np.int32)
        quotes["bid"] = bid_ticks * tick
        quotes["ask"] = np.maximum(np.ceil((fair + half) / tick), bid_ticks + 1) * tick
        bought = self._random.random(len(rows)) < 0.5  # noqa: PLR2004  half the trades
        quotes["last"] = np.where(bought, quotes["ask"], quotes["bid"])
        deep = 1.0 + (self._habits.crowd - 1) * self._nearness[rows]
        for side in ("bid_size", "ask_size"):
            lots = self._random.integers(*self._habits.depth_lots, len(rows))
            quotes[side] = (lots * deep).astype(np.int64) * lot
        traded = self._random.integers(1, 40, len(rows))
        quotes["volume"] += traded * lot
        drift = self._random.integers(-10, 11, len(rows)) * lot
        quotes["oi"] = np.maximum(quotes["oi"] + drift, lot)
        return quotes
