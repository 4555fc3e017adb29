"""The command `schedule` over entries as Beat stores them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from angel_x.bootstrap import Application
from config import beat_keys
from tests.builders.shells import Shell

MEMORY = {"name": "memory", "task": "monitor.check_memory"}
META = {"last_run_at": {"__type__": "datetime", "year": 2026, "month": 8, "day": 20, "hour": 9,
                        "minute": 30, "timezone": "Asia/Kolkata"}}  # fmt: skip


@pytest.fixture
def shell(application: Application, environ: dict[str, str]) -> Shell:
    broker, now = application.base.broker, application.base.clock()
    broker.hset(
        "redbeat:memory",
        mapping={
            "definition": json.dumps({**MEMORY, "schedule": {"__type__": "interval", "every": 60}}),
            "meta": json.dumps(META),
        },
    )
    broker.zadd(beat_keys.SCHEDULE, {"redbeat:memory": (now - timedelta(seconds=300)).timestamp()})
    broker.sadd(beat_keys.STATICS, "memory", "queues")
    broker.sadd(beat_keys.ASIDE, "damaged")
    broker.hset(beat_keys.aside_key_of("damaged"), "definition", "{")
    return Shell(environ)


def test_the_schedule_is_shown_with_last_run_next_run_and_lateness(shell: Shell) -> None:
    shown = shell.json("schedule")

    memory, queues = shown["entries"]
    assert (memory["name"], memory["task"]) == ("memory", "monitor.check_memory")
    assert memory["last_run_at"] == "2026-08-20T09:30:00+05:30"
    assert memory["next_run_at"].endswith("Z")
    assert 300 <= memory["late_seconds"] < 900
    # Lost: its lateness is infinite, which JSON cannot say.
    assert (queues["name"], queues["next_run_at"], queues["late_seconds"]) == ("queues", None, None)
    assert shown["aside"] == ["damaged"]


def test_people_see_which_entry_is_late_and_which_is_lost(shell: Shell) -> None:
    printed = shell.run("schedule").output

    assert "2026-08-20 09:30:00+05:30" in printed
    assert "LATE" in printed
    assert "lost" in printed
    assert "could not be decoded: damaged" in printed


def test_an_entry_that_was_put_aside_is_forgotten_once(
    shell: Shell, application: Application
) -> None:
    assert shell.json("schedule", "--forget", "damaged")["aside"] == []
    assert not application.base.broker.exists(beat_keys.aside_key_of("damaged"))

    again = shell.run("schedule", "--forget", "damaged")
    assert again.exit_code == 1
    assert "damaged" in again.output
