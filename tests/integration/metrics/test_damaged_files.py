"""A file of counts that is empty or damaged hides nothing else, and stops no process."""

from __future__ import annotations

import shutil
import struct
import urllib.request
from pathlib import Path

import pytest

from angel_x.adapters.metrics import wipe
from angel_x.adapters.metrics.exporter import registry, served
from angel_x.adapters.metrics.files import is_readable
from tests.integration.metrics.test_meter import Counting, value

SLOT = "test-node-orders-0"
ENTRY = struct.Struct("i")


def entry(key: bytes, length: int | None = None) -> bytes:
    padding = b" " * (8 - (len(key) + 4) % 8)
    return ENTRY.pack(len(key) if length is None else length) + key + padding + bytes(16)


def file_of(*entries: bytes, used: int | None = None) -> bytes:
    body = b"".join(entries)
    return ENTRY.pack(8 + len(body) if used is None else used) + bytes(4) + body + bytes(64)


KEY = b'["angel_x_memory_alerts", "angel_x_memory_alerts_total", {}, "text"]'
DAMAGED = {
    "short": b"\x08",
    "ones": b"\xff" * 4096,
    "text": b"no space left on device" * 40,
    "used beyond": file_of(entry(KEY), used=1_000_000),
    "used negative": file_of(entry(KEY), used=-8),
    "key beyond": file_of(entry(KEY, length=4096)),
    "key without an end": file_of(entry(KEY, length=-20)),
    "key of no length": file_of(entry(KEY, length=0)),
    "no JSON": file_of(entry(b"counter")),
    "no UTF-8": file_of(entry(b"\xff" * 30)),
    "no key": file_of(entry(b'{"a": 1}')),
    "no labels": file_of(entry(b'["a", "b", 3, "c"]')),
}


def damage(directory: Path, content: bytes) -> None:
    (directory / f"counter_{SLOT}.db").write_bytes(content)


@pytest.fixture(scope="module")
def of_one_process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("metrics")
    Counting(directory, 10, "die").end()
    (directory / f"counter_{SLOT}.db").rename(directory / "counter_other-node-orders-0.db")
    return directory


@pytest.fixture
def counted(of_one_process: Path, tmp_path: Path) -> Path:
    """A directory in which a process of another node has counted ten orders."""
    return shutil.copytree(of_one_process, tmp_path / "metrics")


@pytest.mark.parametrize("content", [b"", *DAMAGED.values()], ids=["empty", *DAMAGED])
def test_such_a_file_is_skipped_and_counted(counted: Path, content: bytes) -> None:
    damage(counted, content)
    page = registry(counted, [])

    with (
        served(page, "127.0.0.1", 0) as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer,
    ):
        shown = answer.read().decode()

    assert 'angel_x_orders_processed_total{status="filled"} 10.0' in shown
    assert "angel_x_metrics_files_unreadable 1.0" in shown
    assert f'angel_x_metrics_file_unreadable{{file="counter_{SLOT}.db"}} 1.0' in shown


@pytest.mark.parametrize("content", [file_of(), file_of(used=0), file_of(entry(KEY))])
def test_a_sound_file_is_not_skipped(counted: Path, content: bytes) -> None:
    damage(counted, content)

    assert value(registry(counted, []), "angel_x_metrics_files_unreadable") == 0


def test_a_file_of_another_kind_is_skipped(counted: Path) -> None:
    (counted / "strange_x.db").write_bytes(file_of(entry(KEY)))

    page = registry(counted, [])

    assert value(page, "angel_x_metrics_files_unreadable") == 1
    assert value(page, "angel_x_orders_processed_total", status="filled") == 10


@pytest.mark.parametrize("name", ["used beyond", "key without an end", "no JSON"])
def test_the_next_process_puts_a_damaged_file_aside_and_counts(counted: Path, name: str) -> None:
    damage(counted, DAMAGED[name])

    Counting(counted, 5, "die").end()

    page = registry(counted, [])
    assert value(page, "angel_x_orders_processed_total", status="filled") == 15
    assert value(page, "angel_x_metrics_files_unreadable") == 0
    (aside,) = counted.glob(f"counter_{SLOT}.db.damaged-*")
    assert aside.read_bytes() == DAMAGED[name]


def test_the_next_process_counts_in_an_empty_file_and_keeps_a_sound_one(counted: Path) -> None:
    damage(counted, b"")

    Counting(counted, 5, "die").end()
    Counting(counted, 5, "die").end()

    assert value(registry(counted, []), "angel_x_orders_processed_total", status="filled") == 20
    assert list(counted.glob("*.damaged*")) == []


def test_a_file_of_another_slot_is_left_alone(counted: Path) -> None:
    other = counted / f"counter_{SLOT}0.db"
    other.write_bytes(DAMAGED["ones"])

    Counting(counted, 5, "die").end()

    assert other.exists()


def test_the_launcher_wipes_damaged_files_too(tmp_path: Path) -> None:
    directory = tmp_path / "metrics"
    directory.mkdir()
    (directory / "counter_x.db.damaged-1").mkdir()

    wipe(tmp_path)

    assert list(directory.iterdir()) == []


def test_a_file_that_has_gone_is_not_readable(tmp_path: Path) -> None:
    assert not is_readable(tmp_path / "counter_x.db")
