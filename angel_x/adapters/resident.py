"""The resident memory of processes, from the operating system."""

from __future__ import annotations

import os

import psutil


def resident_bytes(pid: int | None = None) -> int | None:
    """Return the resident bytes of a process, None if it has ended."""
    try:
        return int(psutil.Process(pid or os.getpid()).memory_info().rss)
    except psutil.NoSuchProcess:
        return None
