"""A Celery app of a release that knows none of our tasks: it throws their messages away."""

from __future__ import annotations

import os

from celery import Celery

app = Celery("older", broker=os.environ["OLDER_BROKER"])
