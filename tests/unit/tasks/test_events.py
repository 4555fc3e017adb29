"""Flower sees every run of a rare task, and of a frequent one a sample and each failure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from celery import Celery

from tasks.events import FREQUENT, Dispatcher, Sample

Sent = list[tuple[str, str]]


@dataclass
class Watched:
    """A sample, with a clock that is set, and the events that passed."""

    now: float = 100.0
    sent: Sent = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sample = Sample(lambda: self.now)

    def send(self, kind: str, message: str, **fields: Any) -> None:
        passing = self.sample.passing(f"task-{kind}", {"uuid": message, **fields})
        self.sent += [(kind, fields["uuid"]) for kind, fields in passing]

    def run(self, message: str, name: str = "orders.match", end: str = "succeeded") -> None:
        self.send("received", message, name=name)
        self.send("started", message)
        self.send(end, message)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def whole(message: str, end: str = "succeeded") -> Sent:
    return [("task-received", message), ("task-started", message), (f"task-{end}", message)]


def test_matching_is_the_task_that_runs_with_the_market() -> None:
    assert {"orders.match"} == FREQUENT


def test_of_a_frequent_task_one_run_a_second_is_shown(watched: Watched) -> None:
    watched.run("first")
    watched.now += 0.9
    watched.run("second")
    watched.now += 0.2
    watched.run("third")

    assert watched.sent == whole("first") + whole("third")


def test_every_run_of_a_rare_task_is_shown(watched: Watched) -> None:
    watched.run("a", "orders.process_batch")
    watched.run("b", "orders.process_batch")

    assert watched.sent == whole("a") + whole("b")


@pytest.mark.parametrize("end", ["failed", "retried", "rejected", "revoked"])
def test_a_run_that_does_not_succeed_is_shown_with_its_name(watched: Watched, end: str) -> None:
    watched.run("first")
    watched.sent.clear()

    watched.run("second", end=end)

    assert watched.sent == [("task-received", "second"), (f"task-{end}", "second")]


def test_a_hidden_run_is_forgotten_once_it_has_ended(watched: Watched) -> None:
    watched.run("first")
    watched.run("second")
    watched.sent.clear()

    watched.send("succeeded", "second")

    assert watched.sent == [("task-succeeded", "second")]


def test_runs_that_never_end_take_bounded_memory(watched: Watched) -> None:
    watched.run("first")
    for number in range(1500):
        watched.send("received", str(number), name="orders.match")
    watched.sent.clear()

    watched.send("failed", "0")
    watched.send("failed", "1499")

    assert watched.sent == [
        ("task-failed", "0"),
        ("task-received", "1499"),
        ("task-failed", "1499"),
    ]


def test_heartbeats_of_workers_pass(watched: Watched) -> None:
    passing = list(watched.sample.passing("worker-heartbeat", {"active": 1}))

    assert passing == [("worker-heartbeat", {"active": 1})]


def test_workers_send_their_events_through_the_sample(tasks_app: Celery) -> None:
    assert issubclass(tasks_app.events.Dispatcher, Dispatcher)
