"""The Celery app that workers run: ``python -P -m tasks worker``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import billiard.pool
import structlog
from celery import Celery, Task, signals

from angel_x.adapters.heartbeat import Heartbeat, heartbeat_file
from angel_x.adapters.logging import configure_logging
from angel_x.bootstrap.kernels import choose_kernels
from angel_x.domain.operations.metric import Metric
from config.celery_options import celery_options
from config.loading import load
from config.queues import QueueName
from tasks import remote, runtime, transport
from tasks.base import BaseTask
from tasks.consumption import Consumption
from tasks.loading import guest_app
from tasks.spans import TaskSpans

if TYPE_CHECKING:
    from celery.apps.worker import Worker

log = structlog.get_logger()

#: Tenths of a second that an ending child waits for its parent to count its last result.  The parent
#: of a stopping worker may count no more, and the default of 300 would hold the stop up for 30 s; the
#: database holds every outcome, so nothing hangs on that count.
_LAST_RESULT_PATIENCE = 20

#: One module for each queue's tasks.
TASK_MODULES = (
    "tasks.orders",
    "tasks.greeks",
    "tasks.margin",
    "tasks.portfolio",
    "tasks.monitor",
    "tasks.alerts",
)


def make_app() -> Celery:
    """Return the app, configured from the environment."""
    transport.install()
    remote.guard()
    billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = _LAST_RESULT_PATIENCE
    made = guest_app("angel_x", task_cls=BaseTask, events="tasks.events:Events")
    made.conf.update(celery_options(load(os.environ)), imports=TASK_MODULES)
    return made


@signals.celeryd_init.connect
def _name_worker(sender: str, **_: object) -> None:
    runtime.name_worker(sender)


@signals.celeryd_after_setup.connect
def _compile_before_the_fork(instance: Worker, **_: object) -> None:
    """Compile the pricing kernels before the fork, in Greeks workers only."""
    if QueueName.GREEKS in instance.app.amqp.queues.consume_from:
        choose_kernels(runtime.settings().pricing_backend)


@signals.celeryd_after_setup.connect
def _prove_consumption(instance: Worker, **_: object) -> None:
    settings = runtime.settings()
    heartbeat = Heartbeat(heartbeat_file(settings.home, settings.node, runtime.role()))
    runtime.prove_consumption(
        Consumption(
            heartbeat,
            instance.app.amqp.queues.consume_from,
            noted_seconds=settings.deaf_after_seconds,
        )
    )


@signals.setup_logging.connect
def _set_up_logging(**_: object) -> None:
    configure_logging(runtime.settings(), runtime.role())


@signals.worker_process_init.connect
def _build(sender: str, **_: object) -> None:
    runtime.name_worker(sender)
    configure_logging(runtime.settings(), runtime.role())
    runtime.current().operations.memory_watch.measure()


@signals.task_postrun.connect
def _look_at_memory(**_: object) -> None:
    try:
        runtime.current().operations.memory_watch.measure()
    except runtime.OUTAGES as error:
        log.warning("memory.unreported", error=str(error))


@signals.task_revoked.connect
def _count_expired(sender: Task, *, expired: bool, **_: object) -> None:
    if expired:
        runtime.meter().add(Metric.MESSAGES_EXPIRED, task=sender.name)


@signals.worker_process_shutdown.connect
def _close(**_: object) -> None:
    runtime.close()


app = make_app()
if runtime.settings().traces_enabled:
    TaskSpans().install()
