from __future__ import annotations

import msgspec
import pytest

from angel_x.entrypoints.cli.processes import beat_command, worker_command
from config.loading import defaults
from config.queues import WORKER_QUEUES

SETTINGS = msgspec.structs.replace(
    defaults("testing"), order_processing_workers=7, parallel_greek_workers=3
)


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


@pytest.mark.parametrize(
    ("kind", "processes"),
    [("orders", "7"), ("greeks", "3"), ("emergency", "2"), ("portfolio", "1"), ("monitor", "1")],
)
def test_the_settings_say_how_many_processes_a_worker_has(kind: str, processes: str) -> None:
    assert option(worker_command(kind, SETTINGS), "--concurrency") == processes


@pytest.mark.parametrize("kind", WORKER_QUEUES)
def test_a_worker_is_named_after_its_class_and_takes_its_queues_in_order(kind: str) -> None:
    command = worker_command(kind, SETTINGS)

    assert option(command, "-n") == f"{kind}@%h"
    assert option(command, "-Q").split(",") == list(WORKER_QUEUES[kind])


def test_the_emergency_worker_takes_nothing_else() -> None:
    assert option(worker_command("emergency", SETTINGS), "-Q") == "orders.emergency"


def test_beat_runs_the_app_that_knows_the_schedule() -> None:
    assert option(beat_command(), "-m") == "beat_schedule"


def test_a_worker_runs_the_app_that_knows_the_tasks() -> None:
    assert option(worker_command("orders", SETTINGS), "-m") == "tasks"


@pytest.mark.parametrize("command", [worker_command("orders", SETTINGS), beat_command()])
def test_the_working_directory_is_not_on_the_path_of_a_process(command: list[str]) -> None:
    assert command[1] == "-P"


def test_a_second_worker_of_a_class_has_a_name_of_its_own() -> None:
    assert option(worker_command("orders", SETTINGS), "-n") == "orders@%h"
    assert option(worker_command("orders", SETTINGS, "orders-2"), "-n") == "orders-2@%h"
