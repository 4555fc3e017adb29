"""Following the broker: its updates and books into the database, in threads of the relay.

A request to the broker may take seconds, which the relay's sweeps must not wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

log = structlog.get_logger()

_LOOK_SECONDS = 0.2
#: Until a part that failed is tried again.
_PAUSE_SECONDS = 5.0


@contextmanager
def following(application: Application) -> Iterator[None]:
    """Follow while the block runs; a system on paper has nothing to follow."""
    ended = Event()
    parts = () if application.orders.venue.is_local else (_report, _hear)
    threads = [
        Thread(target=_repeat, args=(part, application, ended), name=part.__name__, daemon=True)
        for part in parts
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join(_PAUSE_SECONDS)


def _repeat(
    part: Callable[[Application, Event], None], application: Application, ended: Event
) -> None:
    """Run a part until the end, again after each failure."""
    while not ended.is_set():
        try:
            part(application, ended)
        except Exception:
            log.exception("broker.unfollowed", part=part.__name__)
            ended.wait(_PAUSE_SECONDS)


def _report(application: Application, ended: Event) -> None:
    """Record reports, and compare both sides once after the first look."""
    trading = application.trading
    trading.reports.look()
    trading.reconciler.run_if_live()
    while not ended.wait(_LOOK_SECONDS):
        trading.reports.look()


def _hear(application: Application, ended: Event) -> None:
    application.trading.follow(ended)
