"""Flower lives on task events: they come a moment after their task, and they do come."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

import pytest
from celery import Celery

from angel_x.bootstrap import Application
from config.addresses import kombu_address
from tests.e2e.processes import Processes

pytestmark = pytest.mark.e2e


@pytest.fixture
def environ(environment: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in environment.items() if k.startswith("ANGEL_X_")}


def test_the_events_of_a_task_reach_those_who_listen(
    system: Processes, application: Application
) -> None:
    system.worker("orders", "orders.matching")
    listener = Celery(broker=kombu_address(application.base.settings.needed("broker_url")))
    seen: dict[str, dict[str, Any]] = {}
    heard = Event()

    def keep_asking() -> None:
        while not heard.wait(0.2):
            application.base.dispatcher.match()

    asking = Thread(target=keep_asking)
    with listener.connection() as connection:

        def note(event: dict[str, Any]) -> None:
            seen[event["type"]] = event
            receiver.should_stop = {"task-received", "task-succeeded"} <= seen.keys()

        receiver = listener.events.Receiver(connection, handlers={"*": note})
        asking.start()
        try:
            receiver.capture(limit=None, timeout=120)
        finally:
            heard.set()
            asking.join()
    listener.close()

    assert seen["task-received"]["name"] == "orders.match"
    assert seen["task-received"]["hostname"] == "orders@test"
    assert "task-succeeded" in seen
