"""The Celery app that workers run: ``celery -A tasks.app worker``."""

from __future__ import annotations

import os

import billiard.pool
import structlog
from celery import Celery, signals

from angel_x.adapters.logging import configure_logging
from config.celery_options import celery_options
from config.settings import load
from tasks import runtime, transport
from tasks.base import BaseTask

log = structlog.get_logger()

#: Tenths of a second that an ending child waits for its parent to count its last result.  The parent
#: of a stopping worker may count no more, and the default of 300 would hold the stop up for 30 s; the
#: database holds every outcome, so nothing hangs on that count.
_LAST_RESULT_PATIENCE = 20

#: One module for each queue's tasks.
TASK_MODULES = ("tasks.orders", "tasks.greeks", "tasks.portfolio", "tasks.monitor")


def make_app() -> Celery:
    """Return the app, configured from the environment."""
    transport.install()
    billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = _LAST_RESULT_PATIENCE
    made = Celery("angel_x", task_cls=BaseTask)
    made.conf.update(celery_options(load(os.environ)), imports=TASK_MODULES)
    return made


@signals.celeryd_init.connect
def _name_worker(sender: str, **_: object) -> None:
    runtime.name_worker(sender)


@signals.setup_logging.connect
def _set_up_logging(**_: object) -> None:
    configure_logging(runtime.settings(), runtime.role())


@signals.worker_process_init.connect
def _build(sender: str, **_: object) -> None:
    runtime.name_worker(sender)
    configure_logging(runtime.settings(), runtime.role())
    runtime.current().memory_watch.look()


@signals.task_postrun.connect
def _look_at_memory(**_: object) -> None:
    try:
        runtime.current().memory_watch.look()
    except runtime.OUTAGES as error:
        log.warning("memory.unreported", error=str(error))


@signals.worker_process_shutdown.connect
def _close(**_: object) -> None:
    runtime.close()


app = make_app()
