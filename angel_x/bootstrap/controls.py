"""Controls of trading: kill switch, enforcement and cancel-all."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from angel_x.adapters.postgres.controls import PostgresControls
from angel_x.adapters.postgres.holdings import PostgresHoldings
from angel_x.bootstrap.accounts import AccountParts
from angel_x.bootstrap.foundation import TRANSIENT, Foundation
from angel_x.bootstrap.intake import IntakeParts
from angel_x.bootstrap.market import MarketParts
from angel_x.bootstrap.order_parts import OrderParts
from angel_x.services.controls.controls import TradingControls
from angel_x.services.controls.controls_watch import ControlsWatch
from angel_x.services.trading.cancel_all import CancelAll, Enforcement
from angel_x.services.workflows.exits import Exits


@dataclass(frozen=True, kw_only=True)
class ControlParts:
    """Kill switch, enforcement and cancel-all."""

    states: PostgresControls
    trading_controls: TradingControls
    enforcement: Enforcement
    watch: ControlsWatch
    holdings: PostgresHoldings
    exits: Exits
    cancel_all: CancelAll


def build_controls(
    base: Foundation,
    market: MarketParts,
    people: AccountParts,
    intake: IntakeParts,
    orders: OrderParts,
) -> ControlParts:
    """Put together the services that keep orders from trading."""
    states, holdings = (
        PostgresControls(base.engine),
        PostgresHoldings(base.engine, base.market_clock),
    )
    exits = Exits(market.universes, intake.slicing, base.market_clock)
    enforcement = Enforcement(
        desk=orders.desk,
        orders=states,
        ask_again=base.dispatcher.cancel_all,
        monotonic=monotonic,
        transient=TRANSIENT,
    )
    return ControlParts(
        states=states,
        trading_controls=TradingControls(
            store=states,
            account_names=people.accounts.names,
            universes=market.universes,
            dispatcher=base.dispatcher,
            publish=base.events.publish,
            unreachable=TRANSIENT,
        ),
        enforcement=enforcement,
        watch=ControlsWatch(
            is_due=enforcement.is_due, ask=base.dispatcher.cancel_all, monotonic=monotonic
        ),
        holdings=holdings,
        exits=exits,
        cancel_all=CancelAll(
            desk=orders.desk,
            find_open_orders=holdings.open_orders,
            unlisted=exits.unlisted,
            transient=TRANSIENT,
        ),
    )
