"""Made universes and markets whose volatility and forward are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.calendar.expiry import years_to_expiry
from angel_x.domain.chains.chain_pricing import MarketRows
from angel_x.domain.contracts.contract import Contract, Right, format_symbol
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.margin.span import span_table
from angel_x.domain.pricing.black_scholes import greeks
from angel_x.domain.quotes.quote import QUOTE
from config.market import table

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARKET_TIME = datetime(2026, 8, 19, 7, 0, tzinfo=UTC)
EXPIRIES = (date(2026, 8, 25), date(2026, 9, 1))
STRIKES = tuple(range(23_000, 25_001, 100))
SPOT = 24_000.0
FORWARD = 24_060.0
VOLATILITY = 0.14
RATE = 0.065


def make_contract(underlying: str, expiry: date, strike: int, right: Right) -> Contract:
    return Contract(
        symbol=format_symbol(underlying, expiry, Decimal(strike), right),
        underlying=underlying,
        expiry=expiry,
        strike=Decimal(strike),
        right=right,
        lot_size=65,
        tick_size=Decimal("0.05"),
        freeze_quantity=1800,
        expires_at=datetime.combine(expiry, time(10, 10), UTC),
    )


def make_universe(
    underlyings: Iterable[str] = ("NIFTY",),
    expiries: Iterable[date] = EXPIRIES,
    strikes: Sequence[int] = STRIKES,
) -> Universe:
    return Universe(
        make_contract(underlying, expiry, strike, right)
        for underlying in underlyings
        for expiry in expiries
        for strike in strikes
        for right in Right
    )


def fair_prices(universe: Universe, at: datetime = MARKET_TIME) -> NDArray[np.float64]:
    """Rupees, at FORWARD and VOLATILITY for every row."""
    years = years_to_expiry(universe.expires_at, at.timestamp())
    call = universe.is_call
    return greeks(FORWARD, universe.strike, years, RATE, RATE, VOLATILITY, call)["price"]


def fair_quotes(
    universe: Universe, at: datetime = MARKET_TIME, received_ms: int = 1_000
) -> NDArray[np.void]:
    """Quotes of one tick on either side of the fair price; the worthless are not quoted."""
    paise = np.round(fair_prices(universe, at) * 100).astype(np.int32)
    quotes = np.zeros(len(universe), QUOTE)
    quoted = paise > 10
    quotes["time"][quoted] = received_ms
    quotes["bid"][quoted] = paise[quoted] - 5
    quotes["ask"][quoted] = paise[quoted] + 5
    quotes["last"][quoted] = paise[quoted]
    quotes["oi"][quoted] = 650
    quotes["volume"][quoted] = 1300
    return quotes


def spot_quotes(universe: Universe, spot: float = SPOT) -> NDArray[np.void]:
    quotes = np.zeros(len(universe.underlyings), QUOTE)
    quotes["time"] = 1_000
    quotes["last"] = round(spot * 100)
    return quotes


def market_rows(universe: Universe, at: datetime = MARKET_TIME) -> MarketRows:
    return MarketRows(
        quotes=fair_quotes(universe, at),
        spots=spot_quotes(universe),
        at=at.timestamp(),
        rate=RATE,
        now_ms=1_500,
        max_quote_age_seconds=1,
        span=span_table(table("margin"), table("volatility")).on(at.date()),
    )
