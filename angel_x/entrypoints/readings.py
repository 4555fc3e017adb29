"""Readings of the exporter's sources, for one look at the whole system."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from angel_x.adapters.metrics.collector import Reading, Source
    from angel_x.domain.operations.metric import Metric

#: For all readings together; a server that is away answers none of them.
_PATIENCE_SECONDS = 10.0


def read_sources(wanted: Sequence[Source], *, threads: int | None = None) -> dict[Metric, Reading]:
    """Read all sources, by default at once, as each waits for its own server; one that fails is absent.

    With fewer ``threads`` no more connections are used at a time.
    """
    pool = ThreadPoolExecutor(threads or len(wanted), thread_name_prefix="readings")
    asked: dict[Metric, Future[Reading]] = {
        source.metric: pool.submit(source.read) for source in wanted
    }
    wait(asked.values(), timeout=_PATIENCE_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    return {
        metric: answer.result()
        for metric, answer in asked.items()
        if answer.done() and not answer.cancelled() and answer.exception() is None
    }
