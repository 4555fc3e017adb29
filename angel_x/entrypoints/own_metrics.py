"""The page of metrics of a process that is alone in its pod or container.

A child of the process serves it: a worker forks, and a thread that serves would leave its socket and its locks
in the children.  The child knows the counts of its home only; state of the system is the page of
:mod:`angel_x.entrypoints.metrics`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from threading import Event
from typing import TYPE_CHECKING

from angel_x.adapters.children.lineage import dying_with_parent
from angel_x.adapters.installation import python
from angel_x.adapters.metrics import metrics_directory
from angel_x.adapters.metrics.collector import Source
from angel_x.adapters.metrics.exporter import registry, served
from angel_x.adapters.metrics.slots import living
from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints.signals import stopped_by_signal
from config.loading import load

if TYPE_CHECKING:
    from config.settings import Settings


def start(settings: Settings) -> subprocess.Popen[bytes] | None:
    """Start the page, which ends with this process; None where it has none of its own."""
    if not (settings.own_metrics_port and settings.metrics_enabled and settings.prometheus_enabled):
        return None
    # Called before this process has any thread.
    return subprocess.Popen(  # noqa: S603 - our own program
        python("angel_x.entrypoints.own_metrics"),
        preexec_fn=dying_with_parent(),  # noqa: PLW1509
    )


def run(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM."""
    directory = metrics_directory(settings.home_path)
    page = registry(directory, [Source(Metric.PROCESSES, lambda: living(directory))])
    with (
        stopped_by_signal(Event()) as ended,
        served(page, settings.api_host, settings.own_metrics_port),
    ):
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(run(load(os.environ)))
