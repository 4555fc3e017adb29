"""Baskets and square-offs, which go on over several transactions."""

from __future__ import annotations

from dataclasses import dataclass

from angel_x.adapters.postgres.basket_legs import BasketLegs
from angel_x.bootstrap.accounts import AccountParts
from angel_x.bootstrap.controls import ControlParts
from angel_x.bootstrap.foundation import TRANSIENT, Foundation
from angel_x.bootstrap.intake import IntakeParts
from angel_x.bootstrap.market import MarketParts
from angel_x.bootstrap.order_parts import OrderParts
from angel_x.bootstrap.trading import TradingParts
from angel_x.domain.workflows.workflow import WorkflowKind
from angel_x.services.workflows.basket_advancer import BasketAdvancer
from angel_x.services.workflows.basket_orders import BasketOrders
from angel_x.services.workflows.baskets import Baskets
from angel_x.services.workflows.deliveries import DeliveryClose
from angel_x.services.workflows.intraday import IntradayClose
from angel_x.services.workflows.square_off import SquareOff
from angel_x.services.workflows.workflows import Advance


@dataclass(frozen=True, kw_only=True)
class WorkflowParts:
    """Baskets, square-offs and the intraday cut-off."""

    square_off: SquareOff
    baskets: Baskets
    intraday_close: IntradayClose
    delivery_close: DeliveryClose
    advance: Advance


def build_workflows(
    base: Foundation,
    market: MarketParts,
    people: AccountParts,
    intake: IntakeParts,
    orders: OrderParts,
    trading: TradingParts,
    controls: ControlParts,
) -> WorkflowParts:
    """Put together the services that take several steps."""
    square_off = SquareOff(
        workflows=orders.workflows,
        holdings=controls.holdings,
        cancel_all=controls.cancel_all,
        acceptance=intake.acceptance,
        execution=trading.execution,
        exits=controls.exits,
        hours=base.hours,
        dispatcher=base.dispatcher,
    )
    basket_orders = BasketOrders(intake.acceptance, intake.store)
    basket_advancer = BasketAdvancer(
        read_legs=BasketLegs(base.engine).read,
        orders=basket_orders,
        units=orders.units,
        venue=orders.venue,
        desk=orders.desk,
        execution=trading.execution,
        hours=base.hours,
    )
    return WorkflowParts(
        square_off=square_off,
        baskets=Baskets(
            workflows=orders.workflows,
            orders=basket_orders,
            read_orders=people.statements.orders,
            submissions=intake.submissions,
            dispatcher=base.dispatcher,
        ),
        intraday_close=IntradayClose(
            accounts=controls.holdings.intraday_accounts,
            square_off=square_off,
            rule=intake.intraday_rule,
            market_clock=base.market_clock,
        ),
        delivery_close=DeliveryClose(
            positions=controls.holdings.on_stocks,
            square_offs=square_off,
            rule=market.delivery,
            hours=base.hours,
        ),
        advance=Advance(
            workflows=orders.workflows,
            advancers={WorkflowKind.SQUARE_OFF: square_off, WorkflowKind.BASKET: basket_advancer},
            publish=base.events.publish,
            transient=TRANSIENT,
        ),
    )
