"""Quotes of every minute of the market: sampled from the board, and read by day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import numpy as np
import structlog

from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import parse_expiry
from angel_x.domain.quotes.minute_sample import (
    ChainMinute,
    chain_minutes,
    contract_number,
    sampled_rows,
)
from angel_x.domain.quotes.quote import QUOTE, fresh
from angel_x.domain.records.minute_series import (
    ContractMinute,
    ContractMinutes,
    StraddleMinute,
    UnderlyingMinutes,
)
from angel_x.errors import InvalidSymbol, UnknownContract
from angel_x.services.ports import Clock, QuoteBoard, UniverseSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = structlog.get_logger()


class MinuteStore(Protocol):
    """The stored minutes; a day is one of the market, in India."""

    def save(self, minute: datetime, chains: Sequence[ChainMinute]) -> int:
        """Insert the chains of a minute in one statement; return the number of new rows.

        A stored chain of the minute stays as it is.
        """

    def of_contract(
        self, underlying: str, expiry: date, number: int, day: date
    ) -> tuple[ContractMinute, ...]:
        """Return the minutes of a contract, by its number in its chain, the oldest first."""

    def of_underlying(
        self, underlying: str, expiry: date | None, day: date
    ) -> tuple[StraddleMinute, ...]:
        """Return the minutes of an underlying, the oldest first; by default with the nearest expiry of each."""

    def forget(self, before: datetime) -> int:
        """Delete the rows that were written before a time; return their number."""


@dataclass(slots=True, kw_only=True)
class MinuteSampling:
    """Stores the first quotes that it sees in each minute of market time, while the market trades.

    It remembers its last minute, so that looking more often than once a minute costs little.  A minute
    that another process has stored is not changed.
    """

    universes: UniverseSource
    quotes: QuoteBoard
    #: Returns the symbols with a position or an open order.
    find_held: Callable[[], Collection[str]]
    store: MinuteStore
    is_open: Callable[[], bool]
    clock: Clock
    market_clock: Clock
    #: Older quotes are left out.
    max_quote_age_seconds: float
    #: How long a minute is kept after it was written.
    retention: timedelta
    #: The exceptions that mean an unavailable server.
    outages: tuple[type[Exception], ...] = ()
    _sampled: datetime | None = field(default=None, init=False)

    def run(self) -> int:
        """Sample the minute unless this was done; return the number of new rows."""
        minute = self.market_clock().replace(second=0, microsecond=0)
        if minute == self._sampled or not self.is_open():
            return 0
        try:
            chains = self._read(minute)
            saved = self.store.save(minute, chains) if chains else 0
        except self.outages as error:
            log.warning("minute.dropped", reason="server_away", error=str(error))
            return 0
        # A minute without any quote is looked at again.
        self._sampled = minute if chains else None
        return saved

    def forget(self) -> int:
        """Delete the minutes that were written before the retention; return the number of rows."""
        forgotten = self.store.forget(self.clock() - self.retention)
        log.info("minutes.forgotten", rows=forgotten)
        return forgotten

    def _read(self, minute: datetime) -> list[ChainMinute]:
        universe = self.universes.current()
        spots = self._fresh(self.quotes.spots(universe))["last"].astype(np.int64)
        rows = sampled_rows(universe, spots, self.find_held(), minute.timestamp())
        quotes, read = self.quotes.read_rows_and_spots(universe, rows)
        spots = self._fresh(read)["last"].astype(np.int64)
        return list(chain_minutes(universe, rows, self._fresh(quotes), spots))

    def _fresh(self, quotes: NDArray[np.void]) -> NDArray[np.void]:
        """Return the quotes, zeros in place of old ones."""
        is_fresh = fresh(quotes, epoch_ms(self.clock()), self.max_quote_age_seconds)
        return np.where(is_fresh, quotes, np.zeros((), QUOTE))


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteSeries:
    """Reads the stored minutes of one day.  Symbols that were listed once are found like listed ones."""

    universes: UniverseSource
    store: MinuteStore
    market_clock: Clock

    def of_contract(self, symbol: str, day: date | None = None) -> ContractMinutes:
        """Return the minutes of a contract, by default of the market's day.

        Raises:
            UnknownContract: It is not listed, and no minute of it is stored on that day.
        """
        day = day or self._today()
        try:
            (underlying, expiry), number = parse_expiry(symbol), contract_number(symbol)
        except InvalidSymbol:
            raise UnknownContract("symbol", symbol) from None
        minutes = self.store.of_contract(underlying, expiry, number, day)
        if not minutes and self.universes.current().row(symbol) is None:
            raise UnknownContract("symbol", symbol)
        return ContractMinutes(symbol=symbol, day=day, minutes=minutes)

    def of_underlying(
        self, underlying: str, expiry: date | None = None, day: date | None = None
    ) -> UnderlyingMinutes:
        """Return the minutes of an underlying, by default of the market's day.

        The straddle is that of ``expiry``, by default of the nearest one in each minute.

        Raises:
            UnknownContract: Underlying or expiry is not listed, and no minute is stored on that day.
        """
        day = day or self._today()
        minutes = self.store.of_underlying(underlying, expiry, day)
        if not minutes:
            self._check_listed(underlying, expiry)
        return UnderlyingMinutes(underlying=underlying, day=day, minutes=minutes)

    def _check_listed(self, underlying: str, expiry: date | None) -> None:
        universe = self.universes.current()
        if underlying not in universe.underlyings:
            raise UnknownContract("underlying", underlying)
        chains = {(chain.underlying, chain.expiry) for chain in universe.chains}
        if expiry is not None and (underlying, expiry) not in chains:
            raise UnknownContract("expiry", expiry.isoformat())

    def _today(self) -> date:
        return self.market_clock().astimezone(IST).date()
