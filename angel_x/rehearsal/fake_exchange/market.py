"""A market for the fake exchange: a maker's quotes that walk at random from a seed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from random import Random

from angel_x.adapters.angel_one.instrument_tokens import INDICES
from angel_x.domain.calendar.session import TradingCalendar
from angel_x.domain.contracts.contract_rules import ContractFactory, ContractRules
from angel_x.domain.feed.chain_generator import generate_chain
from angel_x.rehearsal.fake_exchange.exchange import Exchange
from angel_x.rehearsal.fake_exchange.listings import Listing, listings
from angel_x.rehearsal.fake_exchange.matching import Quote

_SPOT = Decimal(24_000)
_SIZE_LOTS = 20
#: Rupees of time value at the money, and how much of it is left 100 points away.
_TIME_VALUE, _DECAY_POINTS = Decimal(150), Decimal(400)
_SPREAD_TICKS = 2


def nifty_chain(rules: ContractRules, calendar: TradingCalendar, day: date) -> list[Listing]:
    """Return the options of NIFTY that a new system lists on a day, under the broker's names."""
    return listings(generate_chain(ContractFactory(rules, calendar, day), "NIFTY", _SPOT))


class Walk:
    """Quotes every contract around its value at a spot, which moves by a few points each time."""

    def __init__(self, exchange: Exchange, listed: Sequence[Listing], seed: int) -> None:
        self._exchange = exchange
        self._listed = listed
        self._random = Random(seed)  # noqa: S311 - a rehearsal, to be repeated from its seed
        self._spot = _SPOT

    def step(self) -> None:
        """Move the spot and quote every contract."""
        self._spot += Decimal(self._random.randint(-40, 40)) / 10
        level = Quote(self._spot, self._spot, 0, self._spot)
        self._exchange.indices[INDICES["NIFTY"].token] = level
        for listing in self._listed:
            bid, ask = _quote(listing, self._spot)
            self._exchange.matching.quote(listing.token, bid, ask, _SIZE_LOTS * listing.lot_size)

    async def run(self, pause_seconds: float) -> None:
        """Step until canceled."""
        while True:
            self.step()
            await asyncio.sleep(pause_seconds)


def _quote(listing: Listing, spot: Decimal) -> tuple[Decimal, Decimal]:
    sign = 1 if listing.right == "CE" else -1
    inside = max((spot - listing.strike) * sign, Decimal(0))
    away = abs(spot - listing.strike)
    value = inside + _TIME_VALUE * _DECAY_POINTS / (_DECAY_POINTS + away)
    tick = listing.tick_size
    bid = max((value / tick).to_integral_value() * tick, tick)
    return bid, bid + _SPREAD_TICKS * tick
