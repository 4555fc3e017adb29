"""Live trading: its terms by the settings, its guard, and its records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from urllib.parse import urlsplit

from angel_x.adapters.postgres.live_trading import PostgresLiveTrading
from angel_x.bootstrap.foundation import Foundation
from angel_x.domain.exchange.live_trading import LiveTerms
from angel_x.services.controls.live_trading import LiveTrading, TradingRuns
from angel_x.services.trading.live_guard import LiveGuard
from config.settings import Settings


@dataclass(frozen=True, kw_only=True)
class LiveParts:
    """The state of live trading, and its guard."""

    trading: LiveTrading
    runs: TradingRuns
    #: None on paper.
    guard: LiveGuard | None


def build_live(base: Foundation) -> LiveParts:
    """Put together the records of live trading; on paper there is no guard."""
    terms, store = live_terms(base.settings), PostgresLiveTrading(base.engine)
    return LiveParts(
        trading=LiveTrading(terms=terms, store=store, clock=base.clock, next_open=_next_open(base)),
        runs=TradingRuns(store, terms, base.settings.node),
        guard=None
        if terms is None
        else LiveGuard(
            terms=terms,
            # It reads while a transaction holds the other connection.
            read=PostgresLiveTrading(base.side_engine).records,
            clock=base.clock,
            monotonic=monotonic,
        ),
    )


def _next_open(base: Foundation) -> Callable[[datetime], datetime]:
    """Return the rule of the next opening: that of the calendar, or at once in a simulator."""
    if base.settings.market_hours == "always":
        return lambda at: at
    return base.calendar.next_open


def live_terms(settings: Settings) -> LiveTerms | None:
    """Return the terms of live trading, None on paper."""
    if not settings.is_live:
        return None
    return LiveTerms(
        client_code=settings.needed("angel_one_client_code"),
        address=urlsplit(settings.angel_one_url).netloc,
        users=settings.live_accounts,
    )
