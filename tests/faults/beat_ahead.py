"""Beat on a machine whose clock is an hour ahead: ``python -m tests.faults.beat_ahead``."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

from celery import Celery

AHEAD = timedelta(hours=1)
_right = Celery.now


def _wrong(app: Celery) -> datetime:
    now: datetime = _right(app)
    return now + AHEAD


if __name__ == "__main__":
    Celery.now = _wrong
    # After the clock, which its modules read while they are imported.
    from beat_schedule.app import app

    sys.exit(app.start(["--quiet", "beat"]))
