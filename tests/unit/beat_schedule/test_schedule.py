from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis

from angel_x.domain.calendar.session import TradingCalendar
from beat_schedule.gate import MarketGate
from beat_schedule.schedule import Gate, celery_schedule, entries
from config.loading import load
from config.market import table
from config.task_names import ROUTES, TaskName

#: A Thursday with a session from 09:15 to 15:40 in India.
OPEN = datetime(2026, 8, 20, 6, 0, tzinfo=UTC)
EVENING = datetime(2026, 8, 20, 14, 0, tzinfo=UTC)
SATURDAY = datetime(2026, 8, 22, 6, 0, tzinfo=UTC)
HOLIDAY = datetime(2026, 9, 14, 6, 0, tzinfo=UTC)
MUHURAT = datetime(2026, 11, 8, 13, 0, tzinfo=UTC)

ENTRIES = entries(load({}))
LIVE = [name for name, entry in ENTRIES.items() if entry.gate is Gate.LIVE]


class Cache(redis.Redis):
    """A cache in which a feed lives, does not live, or which is away."""

    def __init__(self, *, alive: bool | None) -> None:
        super().__init__(host="nowhere.invalid")
        self._alive = alive

    def exists(self, *names: object) -> int:
        if self._alive is None:
            raise redis.ConnectionError("away")
        return int(self._alive)


def gate(at: datetime, *, feed: bool | None = False) -> MarketGate:
    return MarketGate(
        ENTRIES,
        calendar=TradingCalendar.from_table(table("sessions")),
        cache=Cache(alive=feed),
        clock=lambda: at,
    )


@pytest.mark.parametrize("name", LIVE)
@pytest.mark.parametrize("at", [OPEN, MUHURAT])
def test_market_work_runs_while_the_market_is_open(name: str, at: datetime) -> None:
    assert gate(at).admits(name)


@pytest.mark.parametrize("name", LIVE)
@pytest.mark.parametrize("at", [EVENING, SATURDAY, HOLIDAY])
def test_market_work_rests_with_the_market(name: str, at: datetime) -> None:
    assert not gate(at).admits(name)


@pytest.mark.parametrize("name", LIVE)
def test_a_running_feed_is_a_market(name: str) -> None:
    assert gate(SATURDAY, feed=True).admits(name)


@pytest.mark.parametrize("name", LIVE)
def test_a_cache_that_is_away_leaves_the_calendar_to_decide(name: str) -> None:
    assert gate(OPEN, feed=None).admits(name)
    assert not gate(EVENING, feed=None).admits(name)


@pytest.mark.parametrize("name", ["memory", "queues", "orders-expire", "partitions", "added-later"])
def test_care_of_the_system_never_rests(name: str) -> None:
    assert gate(SATURDAY).admits(name)


def test_the_end_of_day_snapshot_is_taken_on_trading_days_only() -> None:
    assert gate(EVENING).admits("portfolios-snapshot")
    assert not gate(SATURDAY).admits("portfolios-snapshot")
    assert not gate(HOLIDAY).admits("portfolios-snapshot")


def test_portfolios_are_renewed_twice_in_the_time_that_they_live() -> None:
    schedule = entries(load({"ANGEL_X_CACHE_TTL_PORTFOLIO": "6"}))

    assert schedule["portfolios"].when == timedelta(seconds=3)


@pytest.mark.parametrize("seconds", [1, 7])
def test_what_has_moved_is_looked_for_every_greeks_refresh_seconds(seconds: int) -> None:
    entry = entries(load({"ANGEL_X_GREEKS_REFRESH_SECONDS": str(seconds)}))["greeks"]

    assert (entry.when, entry.expires_seconds) == (timedelta(seconds=seconds), seconds)


def test_greeks_that_live_for_a_moment_are_looked_at_twice_in_that_time() -> None:
    entry = entries(load({"ANGEL_X_CACHE_TTL_GREEKS": "3"}))["greeks"]

    assert (entry.when, entry.expires_seconds) == (timedelta(seconds=1.5), 1.5)


@pytest.mark.parametrize("seconds", [5, 600])
def test_greeks_are_copied_to_the_database_every_greeks_snapshot_seconds(seconds: int) -> None:
    entry = entries(load({"ANGEL_X_GREEKS_SNAPSHOT_SECONDS": str(seconds)}))["greeks-snapshot"]

    assert (entry.when, entry.expires_seconds) == (timedelta(seconds=seconds), seconds)


def test_memory_and_queues_are_looked_at_as_promised() -> None:
    assert ENTRIES["memory"].when == timedelta(seconds=60)
    assert ENTRIES["queues"].when == timedelta(seconds=10)


def test_every_entry_names_a_task_that_has_a_queue() -> None:
    assert {entry.task for entry in ENTRIES.values()} <= set(ROUTES)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("orders-match", 1), ("orders-expire", 30), ("memory", 60), ("portfolios-snapshot", 3600)],
)
def test_a_message_is_not_worth_more_than_the_next_one(name: str, seconds: int) -> None:
    row = celery_schedule(load({}))[name]

    assert row["options"] == {"expires": seconds, "ignore_result": True}


def test_nothing_of_an_orders_path_waits_for_beat() -> None:
    assert TaskName.PROCESS_ORDER_BATCH not in {entry.task for entry in ENTRIES.values()}
