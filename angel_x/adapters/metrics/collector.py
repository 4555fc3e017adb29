"""The metrics that the exporter reads on each scrape: queues, orders, memory, age of the Greeks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import structlog
from prometheus_client import Metric as Family
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from angel_x.domain.operations.metric import DEFINITIONS, Metric

log = structlog.get_logger()

#: The values of one metric by the value of its one label; the empty label where it has none.
Reading = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Source:
    """One metric and how to read it."""

    metric: Metric
    read: Callable[[], Reading]


class SystemCollector(Collector):
    """Reads every source on each scrape.

    A source that fails is left out and logged, so that an unavailable server does not hide the counts.
    """

    def __init__(self, sources: list[Source]) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Family]:
        """Yield one metric for each source that can be read."""
        for source in self._sources:
            family = self._family(source)
            if family is not None:
                yield family

    def describe(self) -> list[Family]:
        """Return nothing, so that registering reads no source."""
        return []

    def _family(self, source: Source) -> Family | None:
        try:
            return family_of(source.metric, source.read())
        except Exception as error:  # noqa: BLE001 - the other sources are served in any case
            log.warning("metric.unread", metric=source.metric.value, error=str(error))
            return None


def family_of(metric: Metric, reading: Reading) -> Family:
    """Return a read metric in the form of prometheus_client."""
    definition = DEFINITIONS[metric]
    family = GaugeMetricFamily(metric.value, definition.text, labels=definition.labels)
    for label, value in reading.items():
        family.add_metric([label] if definition.labels else [], value)
    return family
