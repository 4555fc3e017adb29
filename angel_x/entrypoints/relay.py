"""The relay process: sweeps for due orders and workflows and sends canaries until a signal.

It needs neither Celery nor Beat, so it works while they do not.
"""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import structlog

from angel_x.bootstrap import TRANSIENT
from angel_x.entrypoints.signals import stopped_by_signal
from angel_x.services.operations.memory import MemoryReporter

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

log = structlog.get_logger()


def run(application: Application, stop: Event | None = None) -> None:
    """Sweep at intervals of RELAY_INTERVAL_MS, also after outages of a server."""
    pause = application.base.settings.relay_interval_ms / 1000
    reporter = MemoryReporter(application.operations.memory_watch)
    reporter.start()
    is_away = False
    with stopped_by_signal(stop or Event()) as stopped:
        while not stopped.wait(pause):
            try:
                application.trading.relay.sweep()
                application.operations.canaries.send()
                application.controls.watch.look()
                is_away = False
            except TRANSIENT as error:
                if not is_away:
                    log.warning("relay.waiting", error=str(error))
                is_away = True
    reporter.stop()
