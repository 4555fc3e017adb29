"""The market of the legs of a book, in one read of each board."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.calendar.session import IST
from angel_x.domain.portfolios.valuation import locate
from angel_x.domain.pricing.greek import POSITION_GREEKS, GreekField
from angel_x.domain.pricing.greek_columns import absent, with_futures
from angel_x.domain.pricing.pricing_model import PricingModel
from angel_x.domain.quotes.quote import mid_paise
from angel_x.domain.strategies.answers import StrategyGreeks
from angel_x.domain.strategies.leg import FutureLeg, Leg, OptionLeg
from angel_x.domain.strategies.shocks import Forwards, Priced
from angel_x.domain.values.dated import Dated
from angel_x.domain.values.money import ZERO, rupees
from angel_x.services.ports import Clock, QuoteBoard, UniverseSource
from angel_x.services.valuation_ports import ReadColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LegMarket:
    """The market of some contracts; what is unknown is left out of the mappings."""

    #: Rupees a unit.
    marks: Mapping[str, Decimal]
    #: Units of :data:`~angel_x.domain.pricing.greek.POSITION_GREEKS`, for one unit of each contract.
    greeks: Mapping[str, tuple[float, ...]]
    #: Rupees, by underlying.
    spots: Mapping[str, Decimal]
    #: Forward and volatility, and expiry in epoch seconds, by contract.
    terms: Mapping[str, tuple[float, ...]]
    #: Epoch seconds, by contract.
    expires: Mapping[str, float]
    #: Market time, epoch seconds.
    at: float
    rate: float
    model: PricingModel

    def has_price_of(self, leg: Leg) -> bool:
        """Return whether a leg can be repriced: an option by its volatility, a future by its mark."""
        if leg.underlying not in self.spots:
            return False
        if isinstance(leg, OptionLeg):
            return leg.symbol in self.terms
        return self.marks.get(leg.symbol, ZERO) > 0 and leg.symbol in self.expires

    def forwards(self, legs: Sequence[FutureLeg]) -> Forwards:
        """Return futures that can be repriced as columns."""
        return Forwards(
            spot=self._spots_of(legs),
            forward=np.array([float(self.marks[leg.symbol]) for leg in legs], np.float64),
            expires_at=np.array([self.expires[leg.symbol] for leg in legs], np.float64),
            at=self.at,
            model=self.model,
        )

    def _spots_of(self, legs: Sequence[Leg]) -> NDArray[np.float64]:
        return np.array([float(self.spots[leg.underlying]) for leg in legs], np.float64)

    def priced(self, legs: Sequence[OptionLeg]) -> Priced:
        """Return options that can be repriced as columns."""
        forward, vol, expires_at = (
            np.array([self.terms[leg.symbol][place] for leg in legs], np.float64)
            for place in range(3)
        )
        return Priced(
            spot=self._spots_of(legs),
            forward=forward,
            implied_vol=vol,
            strike=np.array([float(leg.strike) for leg in legs], np.float64),
            is_call=np.array([leg.right == "CE" for leg in legs], np.bool_),
            expires_at=expires_at,
            at=self.at,
            rate=self.rate,
            model=self.model,
        )

    def net_greeks(self, legs: Collection[OptionLeg]) -> StrategyGreeks:
        """Return the sums over legs; None where one of them has no Greeks."""
        known = [self.greeks.get(leg.symbol) for leg in legs]
        sums: dict[str, float | None] = dict.fromkeys((g.name for g in POSITION_GREEKS), None)
        for place, name in enumerate(sums):
            values = [
                leg.quantity * of[place]
                for leg, of in zip(legs, known, strict=True)
                if of is not None
            ]
            if len(values) == len(known):
                sums[name] = round(sum(values), 6)
        return StrategyGreeks(**sums)

    def unrealised(self, holdings: Collection[tuple[str, int, Decimal]]) -> Decimal | None:
        """Return the open P&L of symbols, units and costs; None where one has no mark."""
        if any(symbol not in self.marks for symbol, *_ in holdings):
            return None
        zero = Decimal("0.00")
        return sum((self.marks[s] * units - cost for s, units, cost in holdings), zero)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegMarkets:
    """Reads the market of contracts."""

    universes: UniverseSource
    quotes: QuoteBoard
    read_greeks: ReadColumns
    market_clock: Clock
    #: The annual rate at which payoffs are discounted, by the market's date.
    rates: Dated[float]
    model: PricingModel

    def read(self, symbols: Sequence[str]) -> LegMarket:
        """Return the market of contracts; those that are not listed have none."""
        universe, now = self.universes.current(), self.market_clock()
        located = locate(universe, symbols)
        quoted = self.quotes.read_market(universe, located.rows)
        columns, _ = with_futures(
            *self.read_greeks(universe, located.rows),
            quoted.quotes["time"],
            located.rows >= universe.option_count,
        )
        # Position -1 selects what is appended: nothing.
        paise = np.append(mid_paise(quoted.quotes), np.nan)[located.position]
        greeks = np.append(columns, absent(1), axis=1)[:, located.position].astype(np.float64)
        ends = np.append(universe.expires_at[located.rows], np.nan)[located.position]
        spots = zip(universe.underlyings, quoted.spots["last"].tolist(), strict=True)
        return LegMarket(
            marks={
                s: Decimal(p).scaleb(-2)
                for s, p in zip(symbols, paise.tolist(), strict=True)
                if isfinite(p)
            },
            greeks=_finite(symbols, greeks[[g.field for g in POSITION_GREEKS]]),
            spots={name: rupees(last) for name, last in spots if last > 0},
            terms=_finite(
                symbols,
                np.vstack([greeks[[GreekField.FORWARD, GreekField.IMPLIED_VOL]], ends]),
            ),
            expires={s: at for s, at in zip(symbols, ends.tolist(), strict=True) if isfinite(at)},
            at=now.timestamp(),
            rate=self.rates.on(now.astimezone(IST).date()),
            model=self.model,
        )


def _finite(symbols: Sequence[str], columns: NDArray[np.float64]) -> dict[str, tuple[float, ...]]:
    """Return the columns whose numbers are all known, by symbol."""
    rows = zip(symbols, columns.T.tolist(), strict=True)
    return {symbol: tuple(values) for symbol, values in rows if all(map(isfinite, values))}
