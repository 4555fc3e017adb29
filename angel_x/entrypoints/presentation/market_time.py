"""Market time in a few words, and whether the market trades."""

from __future__ import annotations

from typing import TYPE_CHECKING

from angel_x.domain.calendar.session import IST

if TYPE_CHECKING:
    from angel_x.services.trading_hours import TradingHours


def market_time(hours: TradingHours) -> str:
    """Return market time in India, and until when the market is open or closed."""
    now = hours.market_clock()
    if hours.is_continuous():
        state = "trades around the clock"
    elif hours.is_open():
        state = f"open until {hours.next_close().astimezone(IST):%H:%M}"
    else:
        state = f"closed until {hours.next_open().astimezone(IST):%Y-%m-%d %H:%M}"
    return f"{now.astimezone(IST):%Y-%m-%d %H:%M:%S} IST, {state}"
