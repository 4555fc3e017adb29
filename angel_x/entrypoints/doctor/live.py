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
    from angel_x.services.controls.live_trading import LiveStatus
    from config.settings import Settings

_WARNING = CheckStatus.WARNING
#: As in the alert LiveUnconfirmed.
_NEAR_SECONDS = 2_700


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
        yield confirmation_check(status, app.live.trading.seconds_to_unconfirmed_session())
        today = app.base.clock().astimezone(IST).date()
        rule = app.base.tables.rule(algo_rules, "algo_rules")().on(today)
        limits = limits_in_force(app.base.tables, app.base.clock)
        yield from rule_checks(app.base.settings, rule, limits(Rate.ORDERS), today)
    if app.base.settings.shadow:
        yield shadow_check(app.people.shadow.without_twin())


def confirmation_check(status: LiveStatus, seconds: float | None) -> Check:
    """Return whether a session that is open or near is confirmed; ``seconds`` are those to an unconfirmed one."""
    name, opens_at = "confirmation of the session", status.unconfirmed_session
    if seconds is None or opens_at is None:
        return Check.passed(name, "the session of now, or the next one, is confirmed")
    session = f"the session of {opens_at.astimezone(IST):%d %b, %H:%M} IST is not confirmed"
    return Check.of_fault(
        name,
        session if seconds < _NEAR_SECONDS else None,
        detail=f"{session} yet",
        fix="`angel-x live confirm`, on the day of the session and before it opens.",
        otherwise=_WARNING,
    )


def shadow_check(without_twin: int) -> Check:
    """Return whether each live order of today has a paper twin."""
    return Check.of_fault(
        "paper twins",
        f"{without_twin} live orders of today have none" if without_twin else None,
        detail="each live order of today has one",
        fix="`shadow.failed` in the logs, and docs/runbooks/ShadowIncomplete.md.",
        otherwise=_WARNING,
    )


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
