from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from angel_x.adapters.metrics import NullMeter, PrometheusMeter, make_meter, metrics_directory, wipe
from angel_x.adapters.metrics.exporter import registry
from angel_x.domain.operations.metric import DEFINITIONS, Metric, MetricKind
from config.loading import load
from tests.plugins.runs import marked

COUNTING = Path(__file__).parent / "counting.py"
ROOT = Path(__file__).parents[3]


class Counting:
    """A process that has counted and waits, or is dead."""

    def __init__(self, directory: Path, times: int, *last: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(COUNTING), str(directory), str(times), *last],
            cwd=ROOT,
            env=marked({"PYTHONPATH": str(ROOT)}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        # Warnings of a log that nobody has set up come on the same stream.
        while (line := self.process.stdout.readline()) != b"counted\n":
            assert line

    def end(self) -> None:
        self.process.communicate(timeout=120)


def value(shown: CollectorRegistry, name: str, **labels: str) -> float | None:
    return shown.get_sample_value(name, labels)


def test_the_counts_of_all_processes_are_added(tmp_path: Path) -> None:
    with ExitStack() as stack:
        for _ in range(3):
            stack.callback(Counting(tmp_path, 100).end)

        shown = registry(tmp_path, [])

        assert value(shown, "angel_x_orders_processed_total", status="filled") == 300
        assert value(shown, "angel_x_order_processing_seconds_bucket", le="0.005") == 300
        assert value(shown, "angel_x_order_processing_seconds_bucket", le="0.0025") == 0


def test_what_a_killed_process_counted_stays_and_its_slot_is_taken_over(tmp_path: Path) -> None:
    for _ in range(4):
        Counting(tmp_path, 100, "die").end()

    assert len(list(tmp_path.glob("*.lock"))) == 1
    assert len(list(tmp_path.glob("counter_*.db"))) == 1
    shown = registry(tmp_path, [])
    assert value(shown, "angel_x_orders_processed_total", status="filled") == 400


def test_living_processes_never_share_a_slot(tmp_path: Path) -> None:
    with ExitStack() as stack:
        for _ in range(3):
            stack.callback(Counting(tmp_path, 1).end)

        slots = {path.stem for path in tmp_path.glob("*.lock")}

    assert slots == {"test-node-orders-0", "test-node-orders-1", "test-node-orders-2"}


def test_the_launcher_wipes_counts_and_nothing_else(tmp_path: Path) -> None:
    directory = metrics_directory(tmp_path)
    Counting(directory, 5, "die").end()
    (directory / "keep.txt").touch()

    wipe(tmp_path)

    assert value(registry(directory, []), "angel_x_orders_processed_total", status="filled") is None
    assert (directory / "keep.txt").exists()


def test_metrics_that_are_off_leave_no_file(tmp_path: Path) -> None:
    settings = load({"ANGEL_X_HOME": str(tmp_path), "ANGEL_X_METRICS_ENABLED": "false"})

    meter = make_meter(settings, "orders")
    meter.add(Metric.ORDERS_ACCEPTED, priority="high")
    meter.observe(Metric.DB_QUERY_SECONDS, 1)
    meter.set(Metric.GREEKS_AGE_SECONDS, 1)

    assert isinstance(meter, NullMeter)
    assert list(tmp_path.iterdir()) == []


def test_metrics_that_are_on_are_kept_in_the_home(tmp_path: Path) -> None:
    meter = make_meter(load({"ANGEL_X_HOME": str(tmp_path)}), "orders")

    meter.add(Metric.ORDERS_ACCEPTED, 3, priority="high")

    assert isinstance(meter, PrometheusMeter)
    shown = registry(metrics_directory(tmp_path), [])
    assert value(shown, "angel_x_orders_accepted_total", priority="high") == 3


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_is_defined_and_keeps_to_the_naming_rules(metric: Metric) -> None:
    definition = DEFINITIONS[metric]

    assert definition.text.endswith(".")
    assert metric.value.endswith("_total") == (definition.kind is MetricKind.COUNTER)
    assert metric.value.startswith("angel_x_")
    assert not {"order_id", "symbol", "pid"} & set(definition.labels)
    assert bool(definition.buckets) == (definition.kind is MetricKind.HISTOGRAM)


@pytest.mark.parametrize(
    "metric", [m for m, d in DEFINITIONS.items() if d.kind is MetricKind.HISTOGRAM]
)
def test_a_histogram_shows_milliseconds(metric: Metric) -> None:
    assert min(DEFINITIONS[metric].buckets) <= 0.001


def test_the_buckets_of_the_guide_are_kept() -> None:
    assert {0.01, 0.05, 0.1, 0.5, 1.0} <= set(DEFINITIONS[Metric.ORDER_PROCESSING_SECONDS].buckets)


def test_what_the_exporter_reads_for_itself_is_not_kept(tmp_path: Path) -> None:
    meter = PrometheusMeter(tmp_path, "node", "monitor")

    meter.set(Metric.QUEUE_DEPTH, 5, queue="greeks")

    assert value(registry(tmp_path, []), "angel_x_queue_depth", queue="greeks") is None
