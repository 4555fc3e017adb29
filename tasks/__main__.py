"""Celery's command line with the app of the workers: ``python -P -m tasks worker``."""

from __future__ import annotations

import sys

from tasks.app import app

sys.exit(app.start(sys.argv[1:]))
