"""Remote-control commands that would change a worker, sent by a client of the message broker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from config.addresses import kombu_address
from tests.e2e.processes import Processes, eventually

pytestmark = pytest.mark.e2e

TASK = "monitor.check_memory"
CHANGES: dict[str, dict[str, Any]] = {
    "rate_limit": {"task_name": TASK, "rate_limit": "1/h"},
    "time_limit": {"task_name": TASK, "hard": 0.001, "soft": 0.001},
    "pool_shrink": {"n": 1},
    "pool_grow": {"n": 3},
    "pool_restart": {"modules": ["os"], "reload": True},
    "autoscale": {"max": 1, "min": 1},
    "cancel_consumer": {"queue": "monitor"},
    "add_consumer": {"queue": "greeks"},
    "revoke": {"task_id": "revoked"},
    "hello": {"from_node": "x@y", "revoked": {"revoked": 1.0}},
    "disable_events": {},
    "no such command": {},
    "shutdown": {},
}


@pytest.fixture
def sender(environment: dict[str, str]) -> Iterator[Celery]:
    app = Celery(broker=kombu_address(environment["ANGEL_X_BROKER_URL"]), set_as_current=False)
    yield app
    app.close()


def test_a_worker_takes_no_command_that_changes_it(system: Processes, sender: Celery) -> None:
    system.worker("monitor", "monitor", processes=2)

    def ask(name: str, **arguments: object) -> Any:
        (reply,) = sender.control.broadcast(
            name, arguments=arguments, reply=True, limit=1, timeout=120
        )
        return reply["monitor@test"]

    # A worker is ready a moment before it listens to broadcasts.
    eventually(lambda: sender.control.ping(timeout=5), "the worker listens")
    before = ask("stats")
    refused = {name: ask(name, **arguments) for name, arguments in CHANGES.items()}

    assert {name for name, reply in refused.items() if set(reply) == {"error"}} == set(CHANGES)
    after = ask("stats")
    assert after["pool"]["processes"] == before["pool"]["processes"]
    assert after["pool"]["timeouts"] == before["pool"]["timeouts"]
    assert [queue["name"] for queue in ask("active_queues")] == ["monitor"]
    assert ask("revoked") == []
    assert ask("ping") == {"ok": "pong"}
    # Twice, because a rate limit lets the first message pass.
    for _ in range(2):
        sender.send_task(TASK, queue="monitor")
    system.until_logged("monitor", "memory.checked")
    log = system.log("monitor")
    assert log.count("message.dropped") == len(CHANGES)
    assert "Traceback" not in log
