"""Consequences of a marking: alerts, and square-offs where settings ask for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import structlog

from angel_x.domain.book.account import Exposure
from angel_x.domain.book.control import OrderSelection
from angel_x.domain.book.margin_pool import Change, Risks
from angel_x.domain.book.marked_account import MarkedAccount
from angel_x.domain.book.risk import TradingRules
from angel_x.domain.contracts.contract import is_future, underlying_of
from angel_x.services.accounts.mark_ports import MarkStore
from angel_x.services.ports import Publish
from angel_x.services.units import Units

log = structlog.get_logger()


class SquareOffs(Protocol):
    """Starts square-offs."""

    def start(
        self, user_id: int, selection: OrderSelection, *, key: str, actor: str
    ) -> tuple[object, bool]:
        """Start a square-off, and return whether it is new: one of this key starts once."""


class LimitRules(Protocol):
    """Reads the limits in force."""

    def __call__(self) -> TradingRules: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginCalls:
    """Acts on marked accounts.  A second call for the same marking does nothing more."""

    store: MarkStore
    units: Units
    risks: Risks
    square_offs: SquareOffs
    limits: LimitRules
    publish: Publish
    #: The exceptions that mean an unavailable cache.
    unreachable: tuple[type[Exception], ...]
    #: Seconds of shortfall after which positions are closed; zero closes none.
    grace_seconds: int
    #: Whether an account that has reached its daily loss is squared off.
    ends_losing_days: bool

    def follow(self, accounts: Sequence[MarkedAccount], day: date, now: datetime) -> None:
        """Alert accounts that have come short, and start the square-offs that are due."""
        for account in accounts:
            if account.is_newly_short or account.is_cured:
                self._alert(account)
            if self._is_overdue(account, now):
                self._close_most(account)
        if self.ends_losing_days and accounts:
            self._end_days(accounts, day)

    def _alert(self, account: MarkedAccount) -> None:
        log.warning(
            "margin.short" if account.is_newly_short else "margin.cured",
            user_id=account.user_id,
            shortfall=str(account.shortfall),
        )
        event = {
            "user_id": account.user_id,
            "kind": "alert",
            "alert": "margin",
            "required": str(account.required),
            "shortfall": str(account.shortfall),
        }
        try:
            self.publish([event])
        except self.unreachable as error:
            log.warning("margin.unpublished", error=str(error))

    def _is_overdue(self, account: MarkedAccount, now: datetime) -> bool:
        since = account.short_since
        if not self.grace_seconds or since is None:
            return False
        return now - since >= timedelta(seconds=self.grace_seconds)

    def _close_most(self, account: MarkedAccount) -> None:
        """Close the position that frees the most margin; the next marking closes another one."""
        freed = self._freed(account.user_id)
        if not freed:
            return
        symbol = max(sorted(freed), key=freed.__getitem__)
        self._close(
            account.user_id,
            OrderSelection(symbol=symbol),
            key=f"margin {account.short_since:%Y%m%dT%H%M%S} {symbol}",
            detail={"symbol": symbol, "frees": str(freed[symbol])},
        )

    def _freed(self, user_id: int) -> Mapping[str, Decimal]:
        """Return the margin that closing each short position or future would free, where it frees any."""
        with self.units.begin() as unit:
            book = unit.holdings(user_id, ())
        book.take_risks(self.risks(book.margins.symbols))
        freed = {}
        for symbol in [e.symbol for e in book.exposures.values() if _is_at_risk(e)]:
            pool = book.pool(user_id, underlying_of(symbol))
            shift = pool.shift(symbol, Change(net=-book.exposures[user_id, symbol].net_quantity))
            freed[symbol] = -shift.rise
            pool.undo(shift)
        return {symbol: rupees for symbol, rupees in freed.items() if rupees > 0}

    def _end_days(self, accounts: Collection[MarkedAccount], day: date) -> None:
        rules = self.limits()
        for account in accounts:
            most, result = rules.limits(account.user_id).max_daily_loss, account.day_result(day)
            if most is not None and result < 0 and -result >= most and account.standing.is_open:
                self._close(
                    account.user_id,
                    OrderSelection(),
                    key=f"daily loss {day}",
                    detail={"result": str(result), "max_daily_loss": str(most)},
                )

    def _close(
        self, user_id: int, selection: OrderSelection, *, key: str, detail: Mapping[str, str]
    ) -> None:
        _, is_new = self.square_offs.start(user_id, selection, key=key, actor="margin")
        if is_new:
            log.warning("margin.squared_off", user_id=user_id, key=key)
            self.store.note(user_id, "margin.squared_off", {"key": key, **detail})


def _is_at_risk(exposure: Exposure) -> bool:
    quantity = exposure.net_quantity
    return quantity < 0 or (quantity > 0 and is_future(exposure.symbol))
