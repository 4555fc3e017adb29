"""When operators are told."""

from __future__ import annotations

import json

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.records.live_event import BEGINNING
from tests.builders.orders import Market
from tests.integration.settings.conftest import Build

ORDERS = 3
AGE_SECONDS = 30


def alerts(application: Application) -> list[str]:
    """Return what the events for operators are about."""
    told = (
        event
        for event in application.base.events.read(BEGINNING, 10).events
        if event.kind == "alert"
    )
    return [json.loads(event.body)["alert"] for event in told]


def leave_waiting(application: Application) -> None:
    """Accept orders that nobody decides for a while."""
    market = Market.open(application)
    market.accept(market.account(), *[market.request() for _ in range(ORDERS)])
    with application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE orders SET accepted_at = now() - interval '{AGE_SECONDS} seconds'"
        )


@pytest.mark.parametrize(("seconds", "told"), [(10, ["queue"]), (3_600, [])])
def test_orders_that_wait_longer_than_queue_age_alert_seconds_raise_an_alert(
    built: Build, seconds: int, told: list[str]
) -> None:
    application = built(QUEUE_AGE_ALERT_SECONDS=seconds)
    leave_waiting(application)

    application.operations.queues.check()

    assert alerts(application) == told


@pytest.mark.parametrize(("size", "told"), [(ORDERS - 1, ["queue"]), (ORDERS, [])])
def test_more_orders_than_max_queue_size_raise_an_alert(
    built: Build, size: int, told: list[str]
) -> None:
    application = built(MAX_QUEUE_SIZE=size, QUEUE_AGE_ALERT_SECONDS=3_600)
    leave_waiting(application)

    application.operations.queues.check()

    assert alerts(application) == told


@pytest.mark.parametrize(("megabytes", "told"), [(1, ["memory"]), (100_000, [])])
def test_a_process_above_memory_alert_threshold_mb_raises_an_alert(
    built: Build, megabytes: int, told: list[str]
) -> None:
    application = built(MEMORY_ALERT_THRESHOLD_MB=megabytes, MEMORY_HARD_LIMIT_MB=1_000_000)

    application.operations.memory_watch.measure()

    assert alerts(application) == told


@pytest.mark.parametrize("name", ["left", "right"])
def test_a_process_reports_under_its_node(built: Build, name: str) -> None:
    application = built(NODE=name)

    application.operations.memory_watch.measure()

    assert list(application.operations.memory.all()) == [f"{name}/relay"]
