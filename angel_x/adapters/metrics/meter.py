"""Metrics of one process, in files that the exporter sums.

The counts of an ended process are kept: the next process of its role takes over its slot and file.
"""

from __future__ import annotations

import os
from pathlib import Path

import structlog
from prometheus_client import Counter, Gauge, Histogram, values
from prometheus_client.mmap_dict import MmapedDict

from angel_x.adapters.metrics.files import prepare_files
from angel_x.adapters.metrics.slots import Slot, take_slot
from angel_x.domain.operations.metric import DEFINITIONS, Metric, MetricDefinition, MetricKind

log = structlog.get_logger()

_OWNERS = 0o600

#: Where prometheus_client looks for the directory.
DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


class NullMeter:
    """The meter while METRICS_ENABLED is off: it records nothing."""

    def add(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        """Record nothing."""

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """Record nothing."""

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """Record nothing."""


class PrometheusMeter:
    """The meter of one process; make one a process, after any fork."""

    def __init__(self, directory: Path, node: str, role: str) -> None:
        self._slot = take_slot(directory, node, role)
        for file in prepare_files(directory, self._slot.name):
            log.warning("metrics_file.put_aside", file=file.name)
        _record_into(directory, self._slot)
        self._counters = {m: _counter(m, d) for m, d in _of(MetricKind.COUNTER)}
        self._histograms = {m: _histogram(m, d) for m, d in _of(MetricKind.HISTOGRAM)}
        self._gauges = {m: _gauge(m, d) for m, d in _of(MetricKind.GAUGE)}

    def add(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        counter = self._counters[metric]
        (counter.labels(**labels) if labels else counter).inc(amount)

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        histogram = self._histograms[metric]
        (histogram.labels(**labels) if labels else histogram).observe(value)

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """Set a gauge; a metric that the exporter reads itself is ignored."""
        gauge = self._gauges.get(metric)
        if gauge is not None:
            (gauge.labels(**labels) if labels else gauge).set(value)


class _OwnersFile(MmapedDict):
    """A file of metrics that only its owner reads, under any umask."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:  # noqa: FBT001, FBT002 - the library's signature
        if not read_mode:
            descriptor = os.open(filename, os.O_RDWR | os.O_CREAT, _OWNERS)
            os.fchmod(descriptor, _OWNERS)
            os.close(descriptor)
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]


def _record_into(directory: Path, slot: Slot) -> None:
    os.environ[DIRECTORY_VARIABLE] = str(directory)
    # prometheus_client opens its files by this name.
    vars(values)["MmapedDict"] = _OwnersFile
    # Read by each metric when it is made; the parameter replaces the process id by the slot.
    values.ValueClass = values.MultiProcessValue(lambda: slot.name)  # type: ignore[no-untyped-call]


def _of(kind: MetricKind) -> list[tuple[Metric, MetricDefinition]]:
    return [(m, d) for m, d in DEFINITIONS.items() if d.kind is kind]


def _counter(metric: Metric, definition: MetricDefinition) -> Counter:
    return Counter(metric.value, definition.text, definition.labels, registry=None)


def _histogram(metric: Metric, definition: MetricDefinition) -> Histogram:
    return Histogram(
        metric.value,
        definition.text,
        definition.labels,
        buckets=definition.buckets,
        registry=None,
    )


def _gauge(metric: Metric, definition: MetricDefinition) -> Gauge:
    return Gauge(
        metric.value,
        definition.text,
        definition.labels,
        registry=None,
        multiprocess_mode="mostrecent",
    )
