"""Celery's command line with the app of Beat: ``python -P -m beat_schedule beat``."""

from __future__ import annotations

import sys

from beat_schedule.app import app

sys.exit(app.start(sys.argv[1:]))
