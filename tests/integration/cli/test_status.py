"""The command `status` where workers, a server or the whole system are away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from angel_x.adapters.metrics.traffic import read_counts
from angel_x.bootstrap import Application
from tests.builders.shells import Shell

OVER = ("status", "--over", "0.1")


def alerts(shown: dict[str, Any]) -> set[tuple[str, str]]:
    return {(alert["alert"], alert["subject"]) for alert in shown["alerts"]}


def test_missing_processes_and_waiting_messages_are_named_and_the_code_says_so(
    application: Application, environ: dict[str, str]
) -> None:
    application.base.broker.rpush("greeks", "a message")

    shown = Shell(environ).json(*OVER, code=1)

    assert shown["is_well"] is False
    assert ("ProcessesMissing", "orders") in alerts(shown)
    assert not any(alert == "ServerAway" for alert, _ in alerts(shown))
    queues = {queue["queue"]: queue for queue in shown["queues"]}
    assert queues["greeks"] == {
        "queue": "greeks", "messages": 1, "oldest_seconds": 0.0, "heard_seconds": None,
    }  # fmt: skip
    assert {role["role"]: role["processes"] for role in shown["roles"]}["orders"] == 0
    assert shown["traffic"] == {"orders_a_second": 0.0, "median_ms": None, "p99_ms": None}
    assert shown["unread"] == []
    assert shown["running"] == {}


def test_top_shows_the_status_and_the_times_of_all_processes_once_without_a_terminal(
    application: Application, environ: dict[str, str]
) -> None:
    application.base.recorder.record("order_processing", 0.004)
    application.operations.memory_watch.measure()

    shown = Shell(environ).json("top", "--every", "0.1")
    people = Shell(environ).run("top", "--every", "0.1")

    assert shown["status"]["is_well"] is False
    assert shown["timings"]["order_processing"] == {
        "count": 1, "avg_ms": 4.0, "min_ms": 4.0, "max_ms": 4.0, "p50_ms": 4.0, "p99_ms": 4.0,
    }  # fmt: skip
    assert people.exit_code == 0
    for words in ("ProcessesMissing", "orders a second", "order_processing", "p99 ms"):
        assert words in people.stdout


def test_people_read_the_same(application: Application, environ: dict[str, str]) -> None:
    result = Shell(environ).run(*OVER)

    assert result.exit_code == 1
    for words in ("NOT well", "ProcessesMissing", "orders.emergency", "orders a second"):
        assert words in result.stdout


@pytest.mark.parametrize(("name", "server"), [("BROKER_URL", "broker"), ("CACHE_URL", "cache")])
def test_a_server_that_is_away_is_an_alert_and_the_rest_is_shown(
    environ: dict[str, str], tmp_path: Path, name: str, server: str
) -> None:
    gone = {**environ, f"ANGEL_X_{name}": f"unix://{tmp_path}/gone.sock"}

    shown = Shell(gone).json(*OVER, code=1)

    assert ("ServerAway", server) in alerts(shown)
    assert "angel_x_redis_memory_ratio" in shown["unread"]
    # Other servers are still read.
    assert ("ServerAway", "database") not in alerts(shown)
    assert ("BackupOld", "") in alerts(shown)


def test_a_system_that_is_down_is_a_document_of_its_own(tmp_path: Path) -> None:
    result = Shell({"ANGEL_X_HOME": str(tmp_path)}).run("status", "--json")

    assert result.exit_code == 1
    shown = json.loads(result.stdout)
    assert shown["is_well"] is False
    assert "angel-x up" in shown["down"]
    assert "angel-x up" in Shell({"ANGEL_X_HOME": str(tmp_path)}).run("status").stderr


def test_a_damaged_file_of_counts_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "counter_orders-0.db").write_bytes(b"damaged")

    assert read_counts(tmp_path).decided == 0
