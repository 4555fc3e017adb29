"""A seeded market: spots that wander, a smile that stands, and the quotes that follow from both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.calendar.expiry import years_to_expiry
from angel_x.domain.feed.market_move import MarketMove
from angel_x.domain.pricing.black_scholes import greeks
from angel_x.domain.pricing.smile import Smile
from angel_x.domain.quotes.quote import QUOTE, RECORD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

#: Beyond so many widths from the spot nothing counts as near it.
_BAND = 4.0
#: Where the money is, is looked up once in so many steps: it takes hours to walk a strike.
_BAND_STEPS = 10
#: A month's last expiry lies so close to its end, even where a holiday has moved it.
_MONTH_END = timedelta(days=9)
_FUTURE_TICK_PAISE = 10

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


def monthly_chains(universe: Universe) -> NDArray[np.intp]:
    """Return which chains expire when a month ends: those beside which a future is listed."""
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
        starts = np.array([chain.start for chain in universe.chains], np.intp)
        self._chain_expiry = universe.expires_at[starts]
        self._chain_underlying = universe.underlying_index[starts]
        self._monthly = monthly_chains(universe)
        self._monthly_expiry = self._chain_expiry[self._monthly]
        self._restart()

    @property
    def cadence(self) -> timedelta:
        """How often it speaks, in market time."""
        return self._habits.step

    def relisted(self, universe: Universe) -> Simulator:
        """Return the same market for the contracts of another universe.

        An underlying goes on from where it is if the middle of its strikes is where it was, and
        begins there if not.  A contract of both keeps its open interest and what has traded.
        """
        other = Simulator(
            universe,
            central_strikes(universe),
            seed=self._seed,
            starts_at=self._starts_at,
            habits=self._habits,
        )
        here = {name: n for n, name in enumerate(self.universe.underlyings)}
        for place, name in enumerate(universe.underlyings):
            if name in here and other._anchor[place] == self._anchor[here[name]]:
                other._spot[place] = self._spot[here[name]]
        rows = self.universe.rows_in(universe)
        other._book.view(RECORD)[rows[rows >= 0]] = self._book.view(RECORD)[rows >= 0]
        other._random = self._random
        other._find_band()
        return other

    def moves(self, since: datetime | None = None) -> Iterator[MarketMove]:
        """Yield every contract once, then without end what each step brings.

        ``since`` sets the market's time and leaves the spots where they are; without it the same
        market begins anew.
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
        """Note which rows are near the money, and how near: one there, falling to zero."""
        spot = self._spot[self.universe.underlying_index]
        distance = np.abs(self.universe.strike / spot - 1.0) / self._habits.busy_width
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
        """Return the rows that get a new quote, ascending; chance is drawn for those alone."""
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
        """Return the Black-76 price of each row on its forward."""
        habits, strike = self._habits, self.universe.strike[rows]
        years = years_to_expiry(self.universe.expires_at[rows], at.timestamp())
        forward = self._spot[self.universe.underlying_index[rows]] * np.exp(habits.carry * years)
        volatility = habits.smile.volatility(forward, strike, years)
        is_call = self.universe.is_call[rows]
        fair = greeks(forward, strike, years, habits.rate, habits.rate, volatility, is_call)
        return fair["price"] * 100.0

    def _requoted(self, rows: NDArray[np.int64], fair: NDArray[np.float64]) -> NDArray[np.void]:
        """Return quotes around the fair price, on ticks; both sides are always there."""
        tick, lot = self.universe.tick_paise[rows], self.universe.lot_size[rows]
        half = np.maximum(tick * 0.5, fair * self._habits.half_spread)
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
