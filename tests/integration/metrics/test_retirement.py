"""Files of ended processes are removed without a counter that falls."""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.metrics.exporter import registry
from angel_x.adapters.metrics.retirement import IDLE_SECONDS
from angel_x.adapters.metrics.slots import living, take_slot
from tests.integration.metrics.test_damaged_files import DAMAGED
from tests.integration.metrics.test_meter import Counting, value

OLD = (1, 1)
SLOT = "test-node-orders-0"
RETIRED = "all-retired-0"


def age(directory: Path) -> None:
    for file in directory.iterdir():
        os.utime(file, OLD)


def slots(directory: Path) -> set[str]:
    return {file.stem for file in directory.glob("*.lock")}


@pytest.fixture
def counted(tmp_path: Path) -> Path:
    """A directory in which a process has counted ten orders, long ago."""
    Counting(tmp_path, 10, "die").end()
    age(tmp_path)
    return tmp_path


def test_the_counts_of_an_idle_slot_go_on_in_one_place(counted: Path) -> None:
    page = registry(counted, [])

    for _ in range(2):
        assert value(page, "angel_x_orders_processed_total", status="filled") == 10
        assert value(page, "angel_x_order_processing_seconds_count") == 10
        assert value(page, "angel_x_order_processing_seconds_bucket", le="0.005") == 10

    assert slots(counted) == {RETIRED}
    assert {f.name for f in counted.glob("*.db")} == {
        f"{kind}_{RETIRED}.db" for kind in ("counter", "gauge_mostrecent", "histogram")
    }
    Counting(counted, 5, "die").end()
    assert value(page, "angel_x_orders_processed_total", status="filled") == 15


def test_the_place_of_their_counts_is_no_process(counted: Path) -> None:
    value(registry(counted, []), "angel_x_orders_processed_total", status="filled")

    assert slots(counted) == {RETIRED}
    assert living(counted) == {}


def test_the_slot_of_a_living_process_stays_however_old(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stack.callback(Counting(tmp_path, 10).end)
        age(tmp_path)

        page = registry(tmp_path, [])

        assert value(page, "angel_x_orders_processed_total", status="filled") == 10
        assert slots(tmp_path) == {SLOT, RETIRED}


def test_a_slot_that_was_used_within_the_hour_stays(tmp_path: Path) -> None:
    Counting(tmp_path, 10, "die").end()
    ahead = timedelta(seconds=IDLE_SECONDS - 600)
    page = registry(tmp_path, [], lambda: wall_clock() + ahead)

    assert value(page, "angel_x_orders_processed_total", status="filled") == 10
    assert slots(tmp_path) == {SLOT, RETIRED}


def test_a_damaged_file_of_an_idle_slot_goes_too(counted: Path) -> None:
    (counted / f"histogram_{SLOT}.db").write_bytes(DAMAGED["ones"])
    age(counted)

    page = registry(counted, [])

    assert value(page, "angel_x_orders_processed_total", status="filled") == 10
    assert value(page, "angel_x_metrics_files_unreadable") == 0


def test_a_process_that_has_opened_a_removed_lock_takes_another(
    counted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def open_late(path: Path, *rest: int) -> int:
        descriptor = opened(path, *rest)
        if path.stem == SLOT:
            path.unlink()
        return descriptor

    monkeypatch.setattr("angel_x.adapters.metrics.slots.os.open", open_late)

    slot = take_slot(counted, "test-node", "orders")

    assert slot.name == "test-node-orders-1"
    slot.release()
