"""Stops of accounts: armed, followed and enforced with each marking of the fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.book.marked_account import MarkedAccount
from angel_x.domain.book.portfolio_stop import PortfolioStop, next_stop
from angel_x.domain.book.risk import TradingRules
from angel_x.services.accounts.margin_calls import LimitRules, SquareOffs
from angel_x.services.ports import Publish

log = structlog.get_logger()

ACTOR = "portfolio stop"


class StopStore(Protocol):
    """The stops of accounts."""

    def read(self) -> Mapping[int, PortfolioStop]:
        """Return the stop of each account that has one."""

    def save(self, stops: Mapping[int, PortfolioStop | None]) -> set[int]:
        """Store stops, remove those that are None, and audit each stop that is armed or breached.

        A stop that another marking has breached meanwhile is left out; return the ids of the others.
        """

    def mark_enforced(self, user_id: int, stop: PortfolioStop) -> None:
        """Store that a breached stop is enforced."""


class Restrict(Protocol):
    """Lets an account only reduce, unless its trading state is as strict already."""

    def __call__(self, user_id: int, *, actor: str, reason: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioStops:
    """Follows the stops of marked accounts.  A second call for the same marking does nothing more."""

    store: StopStore
    limits: LimitRules
    restrict: Restrict
    square_offs: SquareOffs
    publish: Publish
    #: The exceptions that mean an unavailable cache.
    unreachable: tuple[type[Exception], ...]

    def follow(self, accounts: Sequence[MarkedAccount], now: datetime) -> None:
        """Mark the stops of accounts, and enforce those that are breached.

        A process that dies in between leaves a breached stop to the next marking.
        """
        rules, before = self.limits(), self.store.read()
        changed: dict[int, PortfolioStop | None] = {}
        for account in accounts:
            stop = before.get(account.user_id)
            levels = rules.limits(account.user_id).stop_levels
            after = next_stop(stop, levels, account.values.equity, now)
            if after != stop:
                changed[account.user_id] = after
        saved = self.store.save(changed) if changed else set()
        for account in accounts:
            user_id = account.user_id
            stop = changed[user_id] if user_id in saved else before.get(user_id)
            if stop is not None and stop.breached is not None and not stop.is_enforced:
                self._enforce(account, stop, rules)

    def _enforce(self, account: MarkedAccount, stop: PortfolioStop, rules: TradingRules) -> None:
        user_id = account.user_id
        self._tell(user_id, stop)
        reason = f"{stop.breached} reached at a result of {stop.result}"
        self.restrict(user_id, actor=ACTOR, reason=reason)
        if rules.limits(user_id).stop_square_off and account.standing.is_open:
            # One of this key starts once, so a repetition after a crash does not start another.
            key = f"portfolio stop {stop.armed_at:%Y%m%dT%H%M%S%f}"
            self.square_offs.start(user_id, OrderSelection(), key=key, actor=ACTOR)
        self.store.mark_enforced(user_id, stop)

    def _tell(self, user_id: int, stop: PortfolioStop) -> None:
        log.warning(
            "portfolio_stop.breached",
            user_id=user_id,
            stop=str(stop.breached),
            result=str(stop.result),
            peak=str(stop.peak),
        )
        event = {
            "user_id": user_id,
            "kind": "alert",
            "alert": "portfolio_stop",
            "stop": str(stop.breached),
            "result": str(stop.result),
            "peak": str(stop.peak),
        }
        try:
            self.publish([event])
        except self.unreachable as error:
            log.warning("portfolio_stop.unpublished", error=str(error))
