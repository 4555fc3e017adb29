"""The composition root: where settings, adapters and services become one application."""

from __future__ import annotations

from dataclasses import dataclass

from angel_x.bootstrap.accounts import AccountParts, build_accounts
from angel_x.bootstrap.alerts import AlertParts, build_alerts
from angel_x.bootstrap.analytics import Analytics, build_analytics
from angel_x.bootstrap.controls import ControlParts, build_controls
from angel_x.bootstrap.foundation import Foundation, lay_foundation
from angel_x.bootstrap.intake import IntakeParts, build_intake
from angel_x.bootstrap.live import LiveParts, build_live
from angel_x.bootstrap.margin import build_margin_marking
from angel_x.bootstrap.market import MarketParts, build_market
from angel_x.bootstrap.operations import Operations, build_operations
from angel_x.bootstrap.order_parts import OrderParts, build_order_parts
from angel_x.bootstrap.scenarios import Questions, build_questions
from angel_x.bootstrap.telegram import build_people
from angel_x.bootstrap.trading import TradingParts, build_trading
from angel_x.bootstrap.workflows import WorkflowParts, build_workflows
from angel_x.services.accounts.margin_marking import MarginMarking
from angel_x.services.accounts.telegram_people import TelegramPeople
from config.settings import Settings


@dataclass(frozen=True, kw_only=True, repr=False)
class Application:
    """Everything that one process works with.  It belongs to the process that built it."""

    base: Foundation
    market: MarketParts
    people: AccountParts
    live: LiveParts
    intake: IntakeParts
    orders: OrderParts
    trading: TradingParts
    controls: ControlParts
    workflows: WorkflowParts
    margin_marking: MarginMarking
    analytics: Analytics
    questions: Questions
    operations: Operations
    alerts: AlertParts
    telegram: TelegramPeople

    def close(self) -> None:
        """Send waiting messages, and close all connections."""
        self.intake.close()
        self.trading.reconciler.close()
        self.orders.close()
        self.base.close()


def build(settings: Settings, *, role: str) -> Application:
    """Put the application of one process together; ``role`` names it in metrics and reports.

    No connection is made yet, unless ``WARM_CACHE_ON_STARTUP`` loads the universe.  Then the first
    process of a Greeks worker also dispatches unpublished and old Greeks.  Quotes are warmed by their
    source only: a starting feed publishes every quote at once.

    Raises:
        SettingsError: A required address is missing.
    """
    application = assemble(lay_foundation(settings, role))
    if settings.warm_cache_on_startup:
        application.market.universes.current()
        if _is_first_of_greeks(role):
            application.analytics.greeks.refresh()
    return application


def assemble(base: Foundation) -> Application:
    """Build the whole graph: each builder gets the groups that it needs."""
    market = build_market(base)
    people = build_accounts(base)
    live = build_live(base)
    intake = build_intake(base, market, people)
    orders = build_order_parts(base, market, live.guard)
    trading = build_trading(base, market, intake, orders)
    controls = build_controls(base, market, people, intake, orders)
    workflows = build_workflows(base, market, people, intake, orders, trading, controls)
    analytics = build_analytics(base, market, orders)
    return Application(
        base=base,
        market=market,
        people=people,
        live=live,
        intake=intake,
        orders=orders,
        trading=trading,
        controls=controls,
        workflows=workflows,
        margin_marking=build_margin_marking(base, market, people, orders, workflows, controls),
        analytics=analytics,
        questions=build_questions(base, market, people, analytics),
        operations=build_operations(base, people),
        alerts=build_alerts(base),
        telegram=build_people(base, people),
    )


def _is_first_of_greeks(role: str) -> bool:
    """Return whether a process is the first of its worker, so that one child dispatches for all."""
    worker, _, place = role.rpartition("-")
    return worker.startswith("greeks") and place == "0"
