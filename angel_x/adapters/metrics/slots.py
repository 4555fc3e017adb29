"""Slots: names of metrics files that the next process of a role takes over.

Files by process id would accumulate with every replaced worker: 575 files after 3,755 tasks, with
slots seven.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from angel_x.adapters.children.aside import clear_for_directory, clear_for_file, remove

#: The role of the slot that holds the counts of ended processes, and that is of no program.
RETIRED = "retired"
#: The role in the name of a slot, which the number of a worker's child may follow.
_ROLE = re.compile(r"-([a-z]+)(?:-[0-9]+)?-[0-9]+$")


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
    clear_for_directory(directory)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The collector of prometheus_client splits file names at underscores.
    prefix = f"{node}-{role}".replace("_", "-").replace("/", "-")
    for index in itertools.count():
        name = f"{prefix}-{index}"
        lock = directory / f"{name}.lock"
        clear_for_file(lock)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        if _is_locked(descriptor, lock):
            # The time of its last use.
            os.utime(descriptor)
            return Slot(name, descriptor)
        os.close(descriptor)
    raise AssertionError("counting has no end")


def living(directory: Path) -> Counter[str]:
    """Count the living processes of each role on all nodes that share the directory."""
    named = ((_ROLE.search(lock.stem), lock) for lock in directory.glob("*.lock"))
    return Counter(
        role[1] for role, lock in named if role and role[1] != RETIRED and _is_held(lock)
    )


def _is_held(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except OSError:
        return False
    try:
        # A process that asks for the slot in this instant takes the next one.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _is_locked(descriptor: int, lock: Path) -> bool:
    """Lock a file, unless another process holds it or the exporter has just removed it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(descriptor).st_ino == lock.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        return False


def wipe(home: Path) -> None:
    """Delete all metrics.  Only the launcher calls this, before it starts any process."""
    for pattern in ("*.db", "*.db.damaged*"):
        for file in metrics_directory(home).glob(pattern):
            remove(file)
