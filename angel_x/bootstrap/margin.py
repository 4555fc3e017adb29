"""Marking the margin of all accounts to the market."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from angel_x.adapters.postgres.margin_marks import PostgresMarks
from angel_x.adapters.redis.mark_memo import RedisMarkMemo
from angel_x.bootstrap.accounts import AccountParts
from angel_x.bootstrap.controls import ControlParts
from angel_x.bootstrap.foundation import TRANSIENT, Foundation
from angel_x.bootstrap.market import MarketParts
from angel_x.bootstrap.order_parts import OrderParts
from angel_x.bootstrap.workflows import WorkflowParts
from angel_x.domain.values.money import rupees
from angel_x.services.accounts.margin_calls import MarginCalls
from angel_x.services.accounts.margin_marking import MarginMarking
from angel_x.services.accounts.portfolio_stops import PortfolioStops

if TYPE_CHECKING:
    from collections.abc import Mapping


def build_margin_marking(
    base: Foundation,
    market: MarketParts,
    people: AccountParts,
    orders: OrderParts,
    workflows: WorkflowParts,
    controls: ControlParts,
) -> MarginMarking:
    """Put together the marking of accounts and its consequences."""
    settings, store = base.settings, PostgresMarks(base.engine)
    calls = MarginCalls(
        store=store,
        units=orders.units,
        risks=orders.risks,
        square_offs=workflows.square_off,
        limits=people.limits.rules,
        publish=base.events.publish,
        unreachable=TRANSIENT,
        grace_seconds=settings.margin_grace_seconds,
        ends_losing_days=settings.daily_loss_square_off,
    )
    stops = PortfolioStops(
        store=people.stops,
        limits=people.limits.rules,
        restrict=controls.trading_controls.restrict,
        square_offs=workflows.square_off,
        publish=base.events.publish,
        unreachable=TRANSIENT,
    )
    return MarginMarking(
        store=store,
        memo=RedisMarkMemo(base.cache),
        risks=orders.risks,
        spots=partial(_spots, market),
        follow=calls.follow,
        follow_stops=stops.follow,
        meter=base.meter,
        clock=base.clock,
        market_clock=base.market_clock,
        every_seconds=settings.margin_mark_seconds,
        move=Decimal(str(settings.margin_mark_move_percent)) / 100,
    )


def _spots(market: MarketParts) -> Mapping[str, Decimal]:
    universe = market.universes.current()
    paise = market.quotes.spots(universe)["last"].tolist()
    return {n: rupees(max(p, 0)) for n, p in zip(universe.underlyings, paise, strict=True)}
