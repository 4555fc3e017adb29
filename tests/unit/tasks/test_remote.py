"""Workers take the remote-control commands that read, and show no secret in a reply."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from celery import Celery
from celery.worker.control import Panel
from structlog.testing import capture_logs

from angel_x.domain.operations.metric import Metric
from config.loading import load
from tests.builders.recorders import RecordingMeter

#: Read by Flower 2.2 (flower.inspector), by probes and by the monitor.
READING = {
    "ping", "stats", "active", "reserved", "scheduled", "revoked", "registered", "active_queues",
    "conf", "memory_report", "heartbeat",
}  # fmt: skip
PASSWORD = "5ec7e7 of/the@broker"


@pytest.fixture
def remote(tasks_app: Celery) -> Any:
    return importlib.import_module("tasks.remote")


@pytest.fixture
def commands(remote: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The commands of a worker."""
    monkeypatch.setattr(Panel, "data", dict(Panel.data))
    remote.guard()
    return Panel.data


def test_the_commands_that_read_are_taken_and_no_others(remote: Any, commands: Any) -> None:
    assert set(commands) == remote.TAKEN == READING


@pytest.mark.parametrize(
    "name",
    [
        "rate_limit", "time_limit", "pool_grow", "pool_shrink", "pool_restart", "autoscale",
        "add_consumer", "cancel_consumer", "shutdown", "revoke", "revoke_by_stamped_headers",
        "terminate", "enable_events", "disable_events", "hello", "election", "clock",
        "report", "objgraph", "memsample", "memdump", "query_task", "dump_conf", "no such command",
    ],
)  # fmt: skip
def test_any_other_command_is_refused_and_counted(
    commands: Any, meter: RecordingMeter, name: str
) -> None:
    with capture_logs() as logs:
        reply = commands[name](object(), task_name="orders.submit", rate_limit="1/m")

    assert reply == {"error": f"workers do not take this command: {name}"}
    assert meter.added == [(Metric.MESSAGES_DROPPED, 1, {"reason": "command"})]
    assert [(entry["event"], entry["task"]) for entry in logs] == [("message.dropped", name)]


def test_guarding_twice_changes_nothing(remote: Any, commands: Any) -> None:
    remote.guard()

    assert Panel.data is commands


def test_a_reply_shows_no_secret(
    remote: Any, runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    quoted = "5ec7e7%20of%2Fthe%40broker"
    address = f"redis://angel:{quoted}@queue:6379/0"
    monkeypatch.setattr(runtime, "settings", lambda: load({"ANGEL_X_BROKER_URL": address}))
    shown = {
        "broker_url": address,
        "redbeat_redis_url": f"rediss://:{quoted}@queue/1?ssl_ca_certs=/ca.pem",
        "broker": {"hostname": PASSWORD, "alternates": [address, ("socket", PASSWORD)]},
        "args": f"['{PASSWORD}']",
        "pool": {"processes": [1, 2], "max": 5.5, "timeouts": None, "put-guarded": True},
    }

    reply = remote._masked(lambda _state, **_arguments: shown, object(), with_defaults=True)

    assert "5ec7e7" not in str(reply)
    assert reply["pool"] == shown["pool"]
    assert reply["broker_url"].startswith("redis://angel:***@")
