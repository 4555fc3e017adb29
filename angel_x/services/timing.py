"""The time of a block of work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from angel_x.domain.operations.metric import Metric
    from angel_x.services.ports import Meter


@contextmanager
def track(meter: Meter, metric: Metric, **labels: str) -> Iterator[None]:
    """Observe the time of a block in a histogram; one that raises is not counted."""
    started = perf_counter()
    yield
    meter.observe(metric, perf_counter() - started, **labels)
