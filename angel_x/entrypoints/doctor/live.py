"""Live trading, and the regulator's rules of algorithmic orders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from angel_x.adapters.angel_one.calls import Rate
from angel_x.adapters.angel_one.limits import limits_in_force
from angel_x.domain.calendar.session import IST
from angel_x.domain.exchange.algo_rules import AlgoRule, algo_rules
from angel_x.domain.operations.check import Check, CheckStatus, Measured
from angel_x.entrypoints.presentation.live import mode_sentence

if TYPE_CHECKING:
    from angel_x.bootstrap import Application
    from angel_x.domain.exchange.request_budget import Windows
    from config.settings import Settings

_WARNING = CheckStatus.WARNING


def checks(app: Application) -> Iterator[Check]:
    """Yield the trading mode, and for live trading the rules of today."""
    status = app.live.trading.status()
    yield Check.of_fault(
        "trading mode",
        None if status.blocked is None else mode_sentence(status),
        detail=mode_sentence(status),
        fix="`angel-x live confirm` for LIVE_UNCONFIRMED; `angel-x broker reconcile` for LIVE_UNRECONCILED.",
        otherwise=_WARNING,
    )
    if app.base.settings.is_live:
        today = app.base.clock().astimezone(IST).date()
        rule = app.base.tables.rule(algo_rules, "algo_rules")().on(today)
        limits = limits_in_force(app.base.tables, app.base.clock)
        yield from rule_checks(app.base.settings, rule, limits(Rate.ORDERS), today)


def rule_checks(
    settings: Settings, rule: AlgoRule, orders: Windows, today: date
) -> Iterator[Check]:
    """Yield whether the settings, and the broker's limits of orders, keep to the rules of a day."""
    yield _order_rate(settings, rule, orders)
    address = settings.angel_one_public_address or settings.angel_one_source_address
    yield Check.of_fault(
        "static address",
        "none is set" if rule.needs_static_address and not address else None,
        detail=f"{address or 'not needed'}, by the rules of {today}",
        fix="Register an address for the API key, and name it in ANGEL_X_ANGEL_ONE_PUBLIC_ADDRESS.",
    )
    yield Check.passed(
        "daily logout",
        "sessions and the confirmation of live trading end at midnight in India"
        if rule.ends_sessions_daily
        else f"not needed, by the rules of {today}",
    )


def _order_rate(settings: Settings, rule: AlgoRule, orders: Windows) -> Check:
    name, algo = "orders a second at the broker", settings.angel_one_algo_id
    ((_, most), *_) = orders
    if algo is not None or rule.orders_per_second is None:
        owner = "no limit of today" if algo is None else f"registered algo {algo}"
        return Check.passed(name, f"{most} at most, {owner}")
    return Check.of_limit(
        name,
        Measured(most, rule.orders_per_second, "orders"),
        detail="without a registered algo; the broker tags orders with the generic id",
        fix="Register the algo with the broker, and name its id in ANGEL_X_ANGEL_ONE_ALGO_ID.",
    )
