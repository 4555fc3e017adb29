"""Alerts on a real database: stored events are told at least once, in order, and to their readers only."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from angel_x.adapters.logging import configure_logging
from angel_x.adapters.sealing import new_key
from angel_x.bootstrap import Application
from angel_x.domain.operations.alert_target import NoticeStatus
from angel_x.domain.operations.notice import Topic
from angel_x.errors import InvalidInput, UnknownTarget
from angel_x.services.operations.alert_targets import TargetForm
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.alerts import deny, fill, forget_pace
from tests.builders.environs import application_on
from tests.builders.recorders import RecordingMeter
from tests.builders.stored import UNIVERSE, A, insert, select
from tests.builders.webhook import TOKEN, Webhook, webhook

if TYPE_CHECKING:
    from sqlalchemy import Engine


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as served:
        yield served


@pytest.fixture
def alerting(environ: dict[str, str]) -> Iterator[Application]:
    """An application with alerts and two accounts; a target that was sent to is not free again soon."""
    more = {
        "ANGEL_X_ALERTS_KEY": new_key(),
        "ANGEL_X_ALERTS_ATTEMPTS": "2",
        "ANGEL_X_ALERTS_PER_MINUTE": "0.01",
    }
    with application_on(environ | more) as application:
        list_contracts(application.base.engine, UNIVERSE)
        open_accounts(application.base.engine, 2)
        yield application


def aim(app: Application, hook: Webhook, user_id: int | None = 1, *topics: str) -> None:
    """Let an owner's notices be sent to the webhook, and pass by what happened before."""
    form = TargetForm(hook.url, topics)
    app.alerts.targets.put(user_id, "hook", form, actor="test", by_operator=True)
    app.alerts.collector.collect()
    forget_pace(app.base.engine)


def statuses(engine: Engine) -> list[tuple[str, int]]:
    return [(s, n) for s, n in select(engine, "SELECT status, attempts FROM alert_notices")]


def test_fills_denials_and_halts_are_told_once_and_to_their_readers_only(
    alerting: Application, hook: Webhook
) -> None:
    engine = alerting.base.engine
    fill(engine, "before")
    aim(alerting, hook, 1, "fill", "denial", "kill_switch")
    fill(engine, "mine")
    fill(engine, "foreign", user_id=2)
    deny(engine, "first")
    deny(engine, "second")
    insert(
        engine, "audit_entries", actor="cli:ops", action="trading_state.set", subject="system",
        detail='{"state": "halted", "reason": "too fast"}',
    )  # fmt: skip

    alerting.alerts.collector.collect()
    alerting.alerts.sender.send_due()
    alerting.alerts.collector.collect()
    forget_pace(engine)
    alerting.alerts.sender.send_due()

    name = select(engine, "SELECT name FROM users WHERE id = 1")[0][0]
    assert hook.lines == [
        f"{name}: BUY 650 {A} at 41.50",
        f"{name}: 2 orders, as {A}: NO_QUOTE",
        "trading of system is halted, by cli:ops: too fast",
    ]
    assert len(hook.received) == 1
    assert set(statuses(engine)) == {("sent", 1)}


def test_an_event_that_commits_after_a_later_one_is_not_passed_over(
    alerting: Application, hook: Webhook
) -> None:
    engine = alerting.base.engine
    aim(alerting, hook, 1, "fill")
    with engine.connect() as slow:
        slow.execute(
            text(
                "INSERT INTO fills (execution_id, order_id, user_id, symbol, side, quantity, price)"
                f" VALUES ('slow', 99, 1, '{A}', 'BUY', 65, 10)"
            )
        )
        fill(engine, "fast")
        alerting.alerts.collector.collect()
        slow.commit()
    alerting.alerts.collector.collect()
    alerting.alerts.collector.collect()
    alerting.alerts.sender.send_due()

    assert sorted(line.split(": ")[1].split()[1] for line in hook.lines) == ["65", "650"]


def test_a_condition_is_told_when_it_begins_and_not_again_within_alerts_repeat_seconds(
    alerting: Application, hook: Webhook
) -> None:
    engine = alerting.base.engine
    aim(alerting, hook, 1, "margin_shortfall")
    mark = {
        "user_id": 1, "market_day": "2026-12-01", "opening_pnl": 0, "unrealised_pnl": -5,
        "option_value": 0, "exposure": 0, "required": 10, "shortfall": "2500.00",
        "short_since": "2026-12-01T05:00:00Z", "marked_at": "2026-12-01T05:00:00Z",
    }  # fmt: skip

    insert(engine, "margin_marks", **mark)
    for _ in range(2):
        alerting.alerts.collector.collect()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE margin_marks SET short_since = NULL")
    alerting.alerts.collector.collect()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE margin_marks SET short_since = now()")
    alerting.alerts.collector.collect()
    alerting.alerts.sender.send_due()

    short = "short of margin by 2,500.00 rupees"
    assert [line.partition(" is ")[2] for line in hook.lines] == [short]

    alerting.alerts.collector.repeat_seconds = 0
    for since in ("NULL", "now()"):
        with engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE margin_marks SET short_since = {since}")
        alerting.alerts.collector.collect()
    forget_pace(engine)
    alerting.alerts.sender.send_due()
    assert [line.partition(" is ")[2] for line in hook.lines] == [short, short]


def test_operators_are_told_of_lost_workers_and_a_stale_feed(
    alerting: Application, hook: Webhook
) -> None:
    alerting.alerts.targets.put(None, "ops", TargetForm(hook.url), actor="test", by_operator=True)
    alerting.alerts.collector.collect()
    alerting.alerts.sender.send_due()

    assert "no worker takes messages of the queue orders.emergency" in hook.lines
    assert "no market data arrives while the market is open" in hook.lines
    assert "no worker takes messages of the queue alerts" in hook.lines


def test_a_target_gets_alerts_per_minute_notifications_and_the_rest_together(
    alerting: Application, hook: Webhook
) -> None:
    engine = alerting.base.engine
    aim(alerting, hook, 1, "fill")
    for name in ("a", "b", "c"):
        fill(engine, name)
        alerting.alerts.collector.collect()
        alerting.alerts.sender.send_due()
    assert len(hook.received) == 1
    forget_pace(engine)
    alerting.alerts.sender.send_due()

    assert [len(each["message"].splitlines()) for each in hook.received] == [1, 2]
    [(seconds,)] = select(
        engine, "SELECT extract(epoch FROM next_at - created_at) FROM alert_targets"
    )
    assert seconds > 60 / 0.01


def test_an_unreachable_target_gets_alerts_attempts_and_is_then_dead_until_it_is_retried(
    alerting: Application, hook: Webhook
) -> None:
    engine, targets = alerting.base.engine, alerting.alerts.targets
    aim(alerting, hook, 1, "fill")
    hook.status = 500
    targets.test(1, "hook", actor="test")

    alerting.alerts.sender.send_due()
    assert statuses(engine) == [("waiting", 1)]
    alerting.alerts.sender.send_due()
    assert statuses(engine) == [("waiting", 1)], "it is not due again at once"
    forget_pace(engine)
    alerting.alerts.sender.send_due()
    [dead] = targets.notices(1, NoticeStatus.DEAD)
    assert (dead.topic, dead.attempts) == (Topic.TEST, 2)
    assert dead.error == "the service refused it, or gave no answer"
    assert targets.notices(2, None) == []

    hook.status = 200
    assert targets.retry_dead(2) == 0
    assert targets.retry_dead(1) == 1
    forget_pace(engine)
    alerting.alerts.sender.send_due()
    assert hook.lines == ["This is a test of the alerts, by test."]
    assert targets.notices(1, NoticeStatus.DEAD) == []


def test_a_notice_whose_senders_died_at_every_attempt_is_dead_and_counted(
    alerting: Application, hook: Webhook
) -> None:
    engine = alerting.base.engine
    aim(alerting, hook, 1, "fill")
    alerting.alerts.targets.test(1, "hook", actor="test")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alert_notices SET attempts = 2")
    forget_pace(engine)
    meter = RecordingMeter()

    replace(alerting.alerts.sender, meter=meter).send_due()

    assert hook.received == []
    [dead] = alerting.alerts.targets.notices(1, NoticeStatus.DEAD)
    assert dead.error == "every attempt ended without an outcome"
    assert [(amount, labels) for _, amount, labels in meter.added] == [(1, {"outcome": "dead"})]


def test_targets_are_of_their_owner_and_their_address_is_nowhere_to_be_read(
    alerting: Application, hook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    engine, targets = alerting.base.engine, alerting.alerts.targets
    configure_logging(alerting.base.settings, "test")
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger().addHandler(caplog.handler)
    hook.status = 500
    targets.put(
        1, "hook", TargetForm(hook.url, ["fill"], "22:30-07:00"), actor="test", by_operator=True
    )
    targets.test(1, None, actor="test")
    alerting.alerts.sender.send_due()

    [view] = targets.all(1)
    assert (view.name, view.service, view.quiet_hours, view.waiting) == (
        "hook", "json", "22:30-07:00", 1,
    )  # fmt: skip
    stored = select(
        engine, "SELECT t::text FROM alert_targets t UNION ALL SELECT a::text FROM audit_entries a"
    )
    assert len(stored) == 2
    assert (
        TOKEN not in f"{stored}{view}{caplog.text}{targets.notices(1, None)}{TargetForm(hook.url)}"
    )
    assert "alert.unsent" in caplog.text
    with pytest.raises(UnknownTarget):
        targets.remove(2, "hook", actor="test")
    targets.remove(1, "hook", actor="test")
    assert targets.all(1) == []
    with pytest.raises(InvalidInput, match="one of https") as refused:
        targets.put(1, "x", TargetForm(f"nosuch://{TOKEN}"), actor="test", by_operator=True)
    assert TOKEN not in str(refused.value)
