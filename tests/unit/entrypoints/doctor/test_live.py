from __future__ import annotations

from datetime import UTC, date, datetime

from angel_x.adapters.angel_one.calls import Rate
from angel_x.domain.exchange.algo_rules import AlgoRule, algo_rules
from angel_x.domain.operations.check import CheckStatus
from angel_x.entrypoints.doctor.live import confirmation_check, rule_checks, shadow_check
from angel_x.services.controls.live_trading import LiveStatus
from config.loading import load
from config.market import table
from tests.builders.limits import shipped

RULES = algo_rules(table("algo_rules"))
TODAY = date(2026, 11, 30)
ORDERS = shipped(Rate.ORDERS)


def found(rule: AlgoRule, **settings: str) -> dict[str, CheckStatus]:
    named = {f"ANGEL_X_{name.upper()}": value for name, value in settings.items()}
    return {check.name: check.status for check in rule_checks(load(named), rule, ORDERS, TODAY)}


def test_the_rules_of_algorithmic_orders_apply_since_april_2026() -> None:
    assert RULES.on(date(2026, 3, 31)) == AlgoRule(
        None, needs_static_address=False, ends_sessions_daily=False
    )
    assert RULES.on(date(2026, 4, 1)) == AlgoRule(
        10, needs_static_address=True, ends_sessions_daily=True
    )


def test_live_trading_without_a_static_address_fails() -> None:
    rule = RULES.on(TODAY)

    assert found(rule)["static address"] is CheckStatus.FAILED
    assert found(rule, angel_one_public_address="203.0.113.7")["static address"] is CheckStatus.OK
    assert found(RULES.on(date(2026, 3, 31)))["static address"] is CheckStatus.OK


def test_more_orders_a_second_than_the_rule_need_a_registered_algo() -> None:
    strict = AlgoRule(5, needs_static_address=False, ends_sessions_daily=True)
    name = "orders a second at the broker"

    assert found(RULES.on(TODAY))[name] is CheckStatus.OK
    assert found(strict)[name] is CheckStatus.FAILED
    assert found(strict, angel_one_algo_id="A-77")[name] is CheckStatus.OK


def test_a_session_that_is_near_and_not_confirmed_is_a_warning() -> None:
    waiting = LiveStatus(mode="live", unconfirmed_session=datetime(2026, 12, 1, 3, 45, tzinfo=UTC))

    near, far = (confirmation_check(waiting, seconds) for seconds in (2_699.0, 2_701.0))

    assert (near.status, far.status) == (CheckStatus.WARNING, CheckStatus.OK)
    assert "01 Dec, 09:15 IST is not confirmed" in str(near)
    assert "angel-x live confirm" in str(near)
    assert confirmation_check(LiveStatus(mode="live"), None).status is CheckStatus.OK


def test_live_orders_without_a_twin_are_a_warning() -> None:
    assert shadow_check(0).status is CheckStatus.OK
    assert shadow_check(3).status is CheckStatus.WARNING
    assert "3 live orders of today" in str(shadow_check(3))
