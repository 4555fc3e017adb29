"""Controls of trading, and work of several transactions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from time import monotonic

from angel_x.adapters.postgres.basket_legs import BasketLegs
from angel_x.adapters.postgres.controls import PostgresControls
from angel_x.adapters.postgres.holdings import Holdings
from angel_x.bootstrap.foundation import TRANSIENT
from angel_x.bootstrap.orders import OrderParts
from angel_x.domain.workflows.workflow import WorkflowKind
from angel_x.services.controls.controls import TradingControls
from angel_x.services.controls.controls_watch import ControlsWatch
from angel_x.services.trading.cancel_all import CancelAll, Enforcement
from angel_x.services.workflows.basket_orders import BasketOrders
from angel_x.services.workflows.basket_step import BasketStep
from angel_x.services.workflows.baskets import Baskets
from angel_x.services.workflows.exits import Exits
from angel_x.services.workflows.intraday import IntradayClose
from angel_x.services.workflows.square_off import SquareOff
from angel_x.services.workflows.workflows import Advance, Step


class ControlParts(OrderParts):
    """Kill switch, square-off, and whatever else goes on over several transactions."""

    @cached_property
    def _holdings(self) -> Holdings:
        return Holdings(self.engine)

    @cached_property
    def control_states(self) -> PostgresControls:
        return PostgresControls(self.engine)

    @cached_property
    def controls(self) -> TradingControls:
        return TradingControls(
            store=self.control_states,
            accounts=self.accounts,
            universes=self.universes,
            dispatcher=self.dispatcher,
            events=self.events,
            unreachable=TRANSIENT,
        )

    @cached_property
    def enforcement(self) -> Enforcement:
        return Enforcement(
            units=self._units,
            search=self.control_states,
            aftermath=self._aftermath,
            transient=TRANSIENT,
        )

    @cached_property
    def controls_watch(self) -> ControlsWatch:
        return ControlsWatch(
            is_due=self.enforcement.is_due, ask=self.dispatcher.cancel_all, monotonic=monotonic
        )

    @cached_property
    def cancel_all(self) -> CancelAll:
        return CancelAll(
            units=self._units,
            open_orders=self._holdings,
            aftermath=self._aftermath,
            unlisted=self._exits.unlisted,
            transient=TRANSIENT,
        )

    @cached_property
    def _exits(self) -> Exits:
        return Exits(self.universes, self._slicing, self.market_clock)

    @cached_property
    def square_off(self) -> SquareOff:
        return SquareOff(
            workflows=self.workflows,
            holdings=self._holdings,
            cancel_all=self.cancel_all,
            acceptance=self.acceptance,
            execution=self.execution,
            exits=self._exits,
            calendar=self.calendar,
            market_clock=self.market_clock,
            dispatcher=self.dispatcher,
        )

    @cached_property
    def _basket_orders(self) -> BasketOrders:
        return BasketOrders(self.acceptance, self._intake)

    @cached_property
    def baskets(self) -> Baskets:
        return Baskets(
            workflows=self.workflows,
            orders=self._basket_orders,
            statements=self._statements,
            submissions=self.submissions,
            dispatcher=self.dispatcher,
        )

    @cached_property
    def _basket_step(self) -> BasketStep:
        return BasketStep(
            legs=BasketLegs(self.engine),
            orders=self._basket_orders,
            units=self._units,
            market=self._market,
            execution=self.execution,
            aftermath=self._aftermath,
            market_clock=self.market_clock,
        )

    @cached_property
    def intraday_close(self) -> IntradayClose:
        return IntradayClose(
            accounts=self._holdings,
            square_off=self.square_off,
            rule=self._intraday_rule,
            market_clock=self.market_clock,
        )

    @cached_property
    def _steps(self) -> Mapping[WorkflowKind, Step]:
        """What advances each kind of workflow."""
        return {WorkflowKind.SQUARE_OFF: self.square_off, WorkflowKind.BASKET: self._basket_step}

    @cached_property
    def advance(self) -> Advance:
        return Advance(
            workflows=self.workflows,
            steps=self._steps,
            events=self.events,
            transient=TRANSIENT,
        )
