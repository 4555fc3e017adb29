"""Trading hours: those of the exchange's calendar, or the clock around in a simulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from angel_x.domain.calendar.session import TradingCalendar
from angel_x.domain.exchange.live_trading import TradingMode
from angel_x.domain.records.market_status import MarketStatus
from angel_x.services.ports import Clock


@dataclass(frozen=True, slots=True)
class TradingHours:
    """The hours of the market, at market time."""

    calendar: TradingCalendar
    market_clock: Clock
    #: Returns whether the market trades around the clock, as a simulator does.
    is_continuous: Callable[[], bool]
    mode: TradingMode = "paper"

    def is_open(self) -> bool:
        """Return whether orders trade now."""
        return self.is_continuous() or self.calendar.is_open(self.market_clock())

    def next_close(self) -> datetime:
        """Return the close of the session of now, or of the next one."""
        return self.calendar.next_close(self.market_clock())

    def next_open(self) -> datetime:
        """Return market time while orders trade, else when they next do."""
        now: datetime = self.market_clock()
        return now if self.is_continuous() else self.calendar.next_open(now)

    def until_open(self) -> timedelta:
        """Return the market time until orders trade; none while they do."""
        return max(self.next_open() - self.market_clock(), timedelta())

    def status(self) -> MarketStatus:
        """Return whether orders trade, and when that changes."""
        now, is_continuous = self.market_clock(), self.is_continuous()
        is_open = is_continuous or self.calendar.is_open(now)
        following = self.calendar.next_close if is_open else self.calendar.next_open
        return MarketStatus(
            mode=self.mode,
            time=now,
            is_open=is_open,
            is_continuous=is_continuous,
            changes_at=None if is_continuous else following(now),
        )
