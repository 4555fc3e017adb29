"""Greeks of a chain at the maker's quotes, as the broker writes them."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

import numpy as np

from angel_x.adapters.angel_one.instrument_tokens import INDICES
from angel_x.domain.calendar.session import IST
from angel_x.domain.pricing.black_scholes import greeks
from angel_x.domain.pricing.implied_vol import implied_vol
from angel_x.rehearsal.fake_exchange.listings import Listing

if TYPE_CHECKING:
    from angel_x.rehearsal.fake_exchange.exchange import Exchange

_CLOSE = time(15, 30)
_YEAR_SECONDS = 365 * 86_400
_DAYS = 365
#: Source: SmartAPI, option Greeks: per day of time, and per one percent of volatility.
_NAMES = {"delta": 1.0, "gamma": 1.0, "theta": 1 / _DAYS, "vega": 1 / 100}


def greek_rows(exchange: Exchange, name: str, expiry: str) -> list[dict[str, str]]:
    """Return the Greeks of the quoted options of an underlying and expiry, without interest.

    An underlying without a level has none.
    """
    index = INDICES.get(name)
    level = exchange.indices.get(index.token) if index else None
    chain = [
        each
        for each in exchange.listings.values()
        if (each.underlying, each.scrip()["expiry"]) == (name, expiry)
        and each.token in exchange.matching.quotes
    ]
    if level is None or not chain:
        return []
    return _rows(exchange, chain, float(level.last))


def _rows(exchange: Exchange, chain: list[Listing], spot: float) -> list[dict[str, str]]:
    strikes = np.array([float(each.strike) for each in chain])
    is_call = np.array([each.right == "CE" for each in chain])
    prices = np.array([float(exchange.matching.quotes[each.token].last) for each in chain])
    ends = datetime.combine(chain[0].expiry, _CLOSE, IST)
    years = max((ends - exchange.now()).total_seconds(), 60.0) / _YEAR_SECONDS
    found, _ = implied_vol(prices, spot, strikes, years, 0.0, 0.0, is_call)
    sigma = np.nan_to_num(found)
    values = greeks(spot, strikes, years, 0.0, 0.0, sigma, is_call)
    return [
        {
            "name": each.underlying,
            "expiry": each.scrip()["expiry"],
            "strikePrice": f"{each.strike:.6f}",
            "optionType": each.right,
            **{name: f"{values[name][n] * unit:.6f}" for name, unit in _NAMES.items()},
            "impliedVolatility": f"{sigma[n] * 100:.2f}",
            "tradeVolume": "0.00",
        }
        for n, each in enumerate(chain)
    ]
