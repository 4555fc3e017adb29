"""Slots: names of metrics files that the next process of a role takes over.

Files by process id would accumulate with every replaced worker: 575 files after 3,755 tasks, with
slots seven.
"""

from __future__ import annotations

import fcntl
import itertools
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Slot:
    """A name unique among living processes, held by a file lock that ends with the process."""

    name: str
    descriptor: int

    def release(self) -> None:
        os.close(self.descriptor)


def metrics_directory(home: Path) -> Path:
    return home.absolute() / "metrics"


def take_slot(directory: Path, node: str, role: str) -> Slot:
    """Take the first free slot of a role."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The collector of prometheus_client splits file names at underscores.
    prefix = f"{node}-{role}".replace("_", "-").replace("/", "-")
    for index in itertools.count():
        name = f"{prefix}-{index}"
        descriptor = os.open(directory / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return Slot(name, descriptor)
    raise AssertionError("counting has no end")


def wipe(home: Path) -> None:
    """Delete all metrics.  Only the launcher calls this, before it starts any process."""
    for pattern in ("*.db", "*.db.damaged"):
        for file in metrics_directory(home).glob(pattern):
            file.unlink(missing_ok=True)
