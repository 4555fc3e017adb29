"""Options on stocks are squared off before the delivery of shares is due."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import parse_expiry
from angel_x.domain.contracts.delivery import DeliveryRule
from angel_x.services.trading_hours import TradingHours

log = structlog.get_logger()


class SquareOffs(Protocol):
    """Starts square-offs."""

    def start(
        self, user_id: int, selection: OrderSelection, *, key: str, actor: str
    ) -> tuple[object, bool]:
        """Start a square-off, and return whether it is new: one of this key starts once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryClose:
    """Squares off positions in their delivery period."""

    #: Returns account and contract of every open position on none of the indices that has not expired.
    positions: Callable[[datetime, Collection[str]], Sequence[tuple[int, str]]]
    square_offs: SquareOffs
    rule: Callable[[], DeliveryRule]
    hours: TradingHours

    def run(self) -> int:
        """Start the square-offs that are due at market time; return their number.

        A second call on the same day starts none; one on the next day tries again.
        """
        if not self.hours.is_open():
            return 0
        now = self.hours.market_clock()
        rule, day, started = self.rule(), now.astimezone(IST).date(), 0
        for user_id, symbol in self.positions(now, rule.rules.lot_sizes):
            underlying, expiry = parse_expiry(symbol)
            if not rule.is_in_period(underlying, expiry, now):
                continue
            _, is_new = self.square_offs.start(
                user_id,
                OrderSelection(symbol=symbol),
                key=f"delivery {day.isoformat()} {symbol}",
                actor="delivery",
            )
            if is_new:
                log.warning("delivery.squared_off", user_id=user_id, symbol=symbol)
            started += is_new
        return started
