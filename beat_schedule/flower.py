"""Flower's process: ``python -P -m beat_schedule.flower``, its options in the environment."""

from __future__ import annotations

import os
import sys

from flower.views import monitor
from tornado import web

from beat_schedule.app import app
from beat_schedule.memory import report_memory


def run() -> int:
    """Serve Flower until a signal."""
    # It unpickles the state that it has saved, so only its owner may write it.
    os.umask(0o077)
    app.conf.angel_x_settings.home_path.mkdir(parents=True, exist_ok=True)
    # Flower shows the names and times of all tasks here to anyone.
    monitor.Metrics.get = web.authenticated(monitor.Metrics.get)
    report_memory(app.conf.angel_x_settings, "flower", app.now)
    return int(app.start(["--quiet", "flower"]) or 0)


if __name__ == "__main__":
    sys.exit(run())
