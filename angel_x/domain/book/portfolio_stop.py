"""Stops of a whole account: on a loss, on a profit, and trailing behind the largest profit.

A stop compares the value of an account with that of the moment at which it was armed.  It is breached
once; another level arms it anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from angel_x.domain.values.money import ZERO


class StopKind(StrEnum):
    """The kinds of stops, and the limits that hold their levels."""

    LOSS = "stop_loss"
    TRAILING = "trailing_stop"
    PROFIT = "take_profit"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLevels:
    """Rupees of each stop of an account, None where there is none."""

    loss: Decimal | None = None
    trailing: Decimal | None = None
    profit: Decimal | None = None

    @property
    def is_set(self) -> bool:
        return any(level is not None for level in (self.loss, self.trailing, self.profit))

    def reached(self, result: Decimal, peak: Decimal) -> StopKind | None:
        """Return the first stop that a result reaches: loss before trailing before profit."""
        if self.loss is not None and -result >= self.loss:
            return StopKind.LOSS
        if self.trailing is not None and peak - result >= self.trailing:
            return StopKind.TRAILING
        if self.profit is not None and result >= self.profit:
            return StopKind.PROFIT
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioStop:
    """The armed stops of an account, with the state that survives a restart."""

    levels: StopLevels
    armed_at: datetime
    #: Rupees of the account when it was armed.
    base: Decimal
    #: Rupees earned since then, at the last marking, and the most of all markings.
    result: Decimal = ZERO
    peak: Decimal = ZERO
    breached: StopKind | None = None
    breached_at: datetime | None = None
    #: Whether the account was restricted, and squared off if that is asked for.
    is_enforced: bool = False

    def marked(self, equity: Decimal, now: datetime) -> PortfolioStop:
        """Return the stop after a marking; a breached one stays as it is."""
        if self.breached is not None:
            return self
        result = equity - self.base
        peak = max(self.peak, result)
        reached = self.levels.reached(result, peak)
        at = None if reached is None else now
        return replace(self, result=result, peak=peak, breached=reached, breached_at=at)


def next_stop(
    before: PortfolioStop | None, levels: StopLevels, equity: Decimal | None, now: datetime
) -> PortfolioStop | None:
    """Return the stop of an account after a marking, None without levels.

    Without an equity, where a price is missing, an armed stop waits.
    """
    if not levels.is_set:
        return None
    is_armed = before is not None and before.levels == levels
    if equity is None:
        return before if is_armed else None
    if before is not None and is_armed:
        return before.marked(equity, now)
    return PortfolioStop(levels=levels, armed_at=now, base=equity)
