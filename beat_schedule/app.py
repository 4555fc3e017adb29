"""The Celery app of Beat and Flower: schedule and queues, without the code of tasks."""

from __future__ import annotations

import logging
import os

from celery import Celery, signals

from angel_x.adapters.logging import configure_logging
from beat_schedule.memory import report_memory
from beat_schedule.schedule import celery_schedule
from config.celery_options import celery_options
from config.loading import load
from config.settings import Settings
from tasks.loading import guest_app


def make_app(settings: Settings) -> Celery:
    """Return an app that sends due messages and runs no tasks."""
    made = guest_app("angel_x_beat")
    made.conf.update(
        celery_options(settings),
        beat_schedule=celery_schedule(settings),
        angel_x_settings=settings,
    )
    return made


app = make_app(load(os.environ))


@signals.setup_logging.connect
def _set_up_logging(**_: object) -> None:
    configure_logging(app.conf.angel_x_settings, "beat")
    logging.getLogger("celery.beat").addFilter(_is_rare)


def _is_rare(record: logging.LogRecord) -> bool:
    """Return whether an event is not one of the sendings, of which there are several a second."""
    return record.levelno > logging.INFO or "Sending due task" not in str(record.msg)


@signals.beat_init.connect(dispatch_uid="angel_x.memory")
def _report_memory(**_: object) -> None:
    report_memory(app.conf.angel_x_settings, "beat", app.now)
