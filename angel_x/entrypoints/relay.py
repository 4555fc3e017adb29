"""The relay process: sweeps for due orders and workflows and sends canaries until a signal.

Where orders go to a broker, threads of their own record its reports.  The relay records the runs of the
system as well: one that does not end by a signal leaves its run open.

It needs neither Celery nor Beat, so it works while they do not.  A thread of its own decides overdue
emergency orders: a sweep may have to wait for the message broker.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

import structlog

from angel_x.bootstrap import TRANSIENT
from angel_x.entrypoints.following import following
from angel_x.entrypoints.signals import stopped_by_signal
from angel_x.services.operations.memory import MemoryReporter

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

log = structlog.get_logger()

#: Seconds between two looks for overdue emergency orders.
_LOOK_SECONDS = 0.25


def run(application: Application, stop: Event | None = None) -> None:
    """Sweep at intervals of RELAY_INTERVAL_MS, also after outages of a server."""
    pause = application.base.settings.relay_interval_ms / 1000
    reporter = MemoryReporter(application.operations.memory_watch)
    reporter.start()
    is_away = False
    # Before the first reconciliation, which has to begin during this run.
    with suppress(*TRANSIENT):
        application.live.runs.begin()
    with (
        stopped_by_signal(stop or Event()) as stopped,
        _deciding(application),
        following(application),
    ):
        while not stopped.wait(pause):
            try:
                application.live.runs.begin()
                application.trading.relay.sweep()
                application.operations.canaries.send()
                application.controls.watch.look()
                is_away = False
            except TRANSIENT as error:
                if not is_away:
                    log.warning("relay.waiting", error=str(error))
                is_away = True
    with suppress(*TRANSIENT):
        application.live.runs.end()
    reporter.stop()


@contextmanager
def _deciding(application: Application) -> Iterator[None]:
    """Decide overdue emergency orders while the block runs."""
    ended = Event()
    thread = Thread(target=_decide, args=(application, ended), name="overdue", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _decide(application: Application, ended: Event) -> None:
    while not ended.wait(_LOOK_SECONDS):
        try:
            application.trading.overdue.look()
        except TRANSIENT as error:
            # The sweep says so aloud, and the same order is tried again.
            log.debug("emergencies.waiting", error=str(error))
        except Exception:
            log.exception("emergencies.undecided")
