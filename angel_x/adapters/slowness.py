"""How busy the processors of this machine are."""

from __future__ import annotations

import os


def slowness() -> float:
    """Return how many programs share a processor, in the last minute; 1 on an idle machine."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
