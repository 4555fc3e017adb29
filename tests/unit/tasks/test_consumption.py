"""A worker proves that it consumes only by asking for all of its queues."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from angel_x.adapters import heartbeat
from angel_x.adapters.heartbeat import Heartbeat, heartbeat_file, last_beat
from tasks.consumption import Consumption

QUEUES = ("orders.high", "orders.low")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return heartbeat_file(str(tmp_path), "here", "orders")


@pytest.fixture
def consumption(file: Path) -> Consumption:
    return Consumption(Heartbeat(file), QUEUES, noted_seconds=25)


def away() -> redis.Redis:
    raise redis.ConnectionError("away")


def test_a_worker_that_asks_for_all_of_its_queues_has_a_heartbeat(
    consumption: Consumption, file: Path
) -> None:
    assert last_beat(file) is None

    consumption.asked([*QUEUES, "another"], away)

    assert last_beat(file) is not None
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_worker_that_leaves_a_queue_out_has_none(consumption: Consumption, file: Path) -> None:
    consumption.asked(QUEUES[:1], away)
    consumption.asked((), away)

    assert last_beat(file) is None


def test_no_beat_is_written_as_one_of_the_future(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "monotonic", lambda: 10.9996)

    Heartbeat(file).beat()

    assert last_beat(file) == 10.999


def test_a_second_beat_within_a_second_writes_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([10.0, 10.9, 11.0])
    monkeypatch.setattr(heartbeat, "monotonic", lambda: next(times))
    beating = Heartbeat(file)
    written = []
    for _ in range(3):
        beating.beat()
        written.append(float(file.read_text()))

    assert written == [10.0, 10.0, 11.0]


def test_a_heartbeat_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "heartbeats").write_text("no folder")

    Heartbeat(heartbeat_file(str(tmp_path), "here", "orders")).beat()


def test_a_damaged_heartbeat_is_none(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"\0" * 21)

    assert last_beat(file) is None
