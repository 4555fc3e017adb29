"""The market of the system: its kind, its time, and whether it trades."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from angel_x.domain.exchange.live_trading import TradingMode
from angel_x.domain.orders.denial import DenialReason


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketStatus:
    """The state of the market at :attr:`time`."""

    #: Orders trade on paper, or at an exchange.
    mode: TradingMode
    #: Market time, which a simulator or a replay sets.
    time: datetime
    #: Whether orders trade now.
    is_open: bool
    #: Whether the market trades around the clock, as a simulator does.
    is_continuous: bool
    #: The next close of an open market, the next opening of a closed one; None where it trades
    #: around the clock.
    changes_at: datetime | None
    #: Why no order goes to the exchange now; None on paper, and where orders do.
    blocked: DenialReason | None = None
