"""The market: listed contracts, horizons of the calendar, ages of volatilities, warmth of the cache."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from angel_x.adapters.redis.universe_pointer import RedisUniversePointer
from angel_x.domain.calendar.session import IST
from angel_x.domain.margin.volatility import DailyVolatilities
from angel_x.domain.operations.check import Check, CheckStatus, Measured

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.bootstrap import Application
    from angel_x.domain.contracts.universe import Universe

POINTER, GREEKS = "universe in the cache", "Greeks in the cache"
_WARNING = CheckStatus.WARNING
#: Per cent of the contracts that trade.
_WARM = 95.0


def contract_checks(app: Application) -> Iterator[Check]:
    """Yield the listed contracts, and their expiries against the calendar."""
    universe = app.market.universes.current()
    trading = _trading(app, universe)
    yield Check.of_limit(
        "contracts that trade",
        Measured(int(trading.sum()), 1, "contracts", is_floor=True),
        detail=f"of {len(universe)} listed ones",
        fix="List contracts with `angel-x contracts load FILE`.",
        otherwise=_WARNING,
    )
    beyond = sorted(
        {c.expiry for c in universe.chains if app.base.calendar.is_provisional(c.expiry)}
    )
    yield Check.of_fault(
        "expiries within the calendar",
        f"{len(beyond)} are later than the last list of holidays, from {beyond[0]} on"
        if beyond
        else None,
        detail="a holiday moves none of them unseen",
        fix="Add the exchange's list to sessions.json in ANGEL_X_MARKET_TABLES.",
        otherwise=_WARNING,
    )
    volatilities = app.base.tables.rule(DailyVolatilities.from_table, "volatility")()
    yield volatility_check(volatilities.on(app.base.market_clock().astimezone(IST).date()))


def volatility_check(volatilities: Mapping[str, float]) -> Check:
    """Return whether the daily volatilities of a day, by underlying, are recent enough for margin."""
    stale = sorted(name for name, daily in volatilities.items() if math.isnan(daily))
    return Check.of_fault(
        "volatilities of scan ranges",
        f"too old, so margin is unknown: {', '.join(stale)}" if stale else None,
        detail=f"of {len(volatilities)} underlyings; all others have the floors of their scan ranges",
        fix="Add rows of the exchange's last file to volatility.json in ANGEL_X_MARKET_TABLES.",
    )


def warmth_checks(app: Application) -> Iterator[Check]:
    """Yield whether the cache holds the universe, its quotes and its Greeks."""
    universe = app.market.universes.current()
    published = RedisUniversePointer(app.base.cache).newest()
    yield Check.of_fault(
        POINTER,
        None if published == universe.version else f"published is {published}",
        detail=f"version {universe.version}",
        fix="`angel-x doctor --fix` publishes it.",
        otherwise=_WARNING,
    )
    if not app.base.market_clock.is_live() and not app.base.hours.is_open():
        yield Check.passed("quotes in the cache", "the market is closed and no feed runs")
        return
    trading = _trading(app, universe)
    yield _warmth(
        "quotes in the cache",
        app.market.quotes.read(universe)["time"][trading] > 0,
        "Run `angel-x feed`; a starting feed publishes every quote.",
    )
    starts = np.array([chain.start for chain in universe.chains], np.int64)
    times = app.analytics.greeks.boards.heads(universe).as_of_ms
    yield _warmth(
        GREEKS,
        times[trading[starts]] > 0,
        "`angel-x doctor --fix` asks for them; look at the worker of the class greeks.",
    )


def _trading(app: Application, universe: Universe) -> NDArray[np.bool_]:
    trading: NDArray[np.bool_] = universe.expires_at > app.base.market_clock().timestamp()
    return trading


def _warmth(name: str, present: NDArray[np.bool_], fix: str) -> Check:
    share = 100 * float(present.mean()) if present.size else 0.0
    return Check.of_limit(
        name,
        Measured(round(share, 1), _WARM, "%", is_floor=True),
        detail=f"of {present.size} that trade",
        fix=fix,
        otherwise=_WARNING,
    )
