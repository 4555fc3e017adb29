"""Flower's process: ``python -P -m beat_schedule.flower``, its options in the environment."""

from __future__ import annotations

import sys

from beat_schedule.app import app
from beat_schedule.memory import report_memory


def run() -> int:
    """Serve Flower until a signal."""
    report_memory(app.conf.angel_x_settings, "flower", app.now)
    return int(app.start(["--quiet", "flower"]) or 0)


if __name__ == "__main__":
    sys.exit(run())
