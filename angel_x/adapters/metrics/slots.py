"""Where the metrics of a process are kept: a slot that the next process of its kind takes over.

A file for each process id would leave one behind for every worker that was ever replaced: 575
files after 3,755 tasks, where slots leave seven.
"""

from __future__ import annotations

import fcntl
import itertools
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Slot:
    """A name that no other living process has, held by a lock that the kernel ends."""

    name: str
    descriptor: int

    def release(self) -> None:
        os.close(self.descriptor)


def metrics_directory(home: Path) -> Path:
    return home.absolute() / "metrics"


def take_slot(directory: Path, node: str, role: str) -> Slot:
    """Take the first slot of a role that no living process holds."""
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
    """Forget all counts.  Only the launcher does this, before it starts anything."""
    for pattern in ("*.db", "*.db.damaged"):
        for file in metrics_directory(home).glob(pattern):
            file.unlink(missing_ok=True)
