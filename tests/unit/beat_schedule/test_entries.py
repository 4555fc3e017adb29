"""The whole schedule: what runs when, behind which gate, and how long its message is worth running."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from celery.schedules import crontab

from beat_schedule.schedule import Entry, Gate, celery_schedule, entries
from config.loading import defaults

#: Name, task, gate, seconds or time of day in India, seconds after which the message expires.
SCHEDULE = """
    memory              monitor.check_memory        always      60    60
    queues              monitor.check_queues        always      10    10
    partitions          monitor.maintain_partitions always      02:30 3600
    reviews             monitor.write_reviews   always      07:00 3600
    retention           monitor.enforce_retention   always      60    60
    proofs              monitor.prove_invariants    always      60    60
    reconciliation      monitor.reconcile_broker    always      60    60
    orders-match        orders.match                live        1     1
    orders-expire       orders.expire               always      30    30
    intraday-close      orders.close_intraday       always      10    10
    delivery-close      orders.close_deliveries     live        60    60
    settlement          portfolio.settle            always      15    15
    greeks              greeks.refresh              live        2     2
    greeks-snapshot     greeks.snapshot             live        60    60
    portfolios          portfolio.refresh           live        5     5
    margin-mark         margin.mark                 live        5     5
    minute-quotes       monitor.sample_minute       live        5     5
    portfolios-history  portfolio.snapshot          live        900   900
    portfolios-snapshot portfolio.snapshot          trading_day 16:00 3600
"""
ENTRIES = entries(defaults("production"))


def when(entry: Entry) -> str:
    if isinstance(entry.when, timedelta):
        return f"{entry.when.total_seconds():g}"
    (hour,), (minute,) = entry.when.hour, entry.when.minute
    assert entry.when == crontab(hour=hour, minute=minute)
    return f"{hour:02d}:{minute:02d}"


def test_everything_periodic_is_in_the_schedule_and_nothing_else() -> None:
    found = [
        [name, e.task.value, e.gate.name.lower(), when(e), f"{e.expires_seconds:g}"]
        for name, e in ENTRIES.items()
    ]

    assert found == [line.split() for line in SCHEDULE.strip().splitlines()]
    assert [gate.name for gate in Gate] == ["ALWAYS", "LIVE", "TRADING_DAY"]


def test_celery_is_told_the_same() -> None:
    told = celery_schedule(defaults("production"))

    assert told == {
        name: {
            "task": entry.task.value,
            "schedule": entry.when,
            "options": {"expires": entry.expires_seconds, "ignore_result": True},
        }
        for name, entry in ENTRIES.items()
    }


def test_alerts_are_looked_for_where_alerts_key_is_set() -> None:
    more = entries(msgspec.structs.replace(defaults("production"), alerts_key=f"{'k' * 43}="))

    assert {name: (e.task.value, when(e)) for name, e in more.items() if name not in ENTRIES} == {
        "alerts-collect": ("alerts.collect", "2"),
        "alerts-send": ("alerts.send", "5"),
    }
