"""Slots that no process uses any more: their counts go on, in one place, and their files are removed.

Removing them alone would make counters fall, which Prometheus takes for a restart.  Gauges of a process
that has gone mean nothing, so they are dropped.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from angel_x.adapters.metrics.files import files_of, is_readable, prepare_files
from angel_x.adapters.metrics.slots import RETIRED, take_slot

#: Seconds without a write after which the slot of an ended process is not expected to be taken again.
IDLE_SECONDS = 3600.0
_SUMMED = ("counter", "histogram")


class Retirement:
    """Belongs to the exporter of a directory; the slot ``retired`` holds the counts."""

    def __init__(self, directory: Path, clock: Callable[[], datetime]) -> None:
        self._directory = directory
        self._clock = clock
        self._own = take_slot(directory, "all", RETIRED).name
        prepare_files(directory, self._own)

    def sweep(self) -> list[str]:
        """Retire the idle slots of ended processes; return their names."""
        locks = sorted(self._directory.glob("*.lock"))
        return [lock.stem for lock in locks if lock.stem != self._own and self._retire(lock)]

    def _retire(self, lock: Path) -> bool:
        files = files_of(self._directory, lock.stem)
        limit = self._clock().timestamp() - IDLE_SECONDS
        if any(file.stat().st_mtime > limit for file in (*files, lock)):
            return False
        descriptor = os.open(lock, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            for file in files:
                self._fold(file)
                file.unlink()
            # A process that has opened it sees that the name is gone, and takes a new one.
            lock.unlink()
            return True
        finally:
            os.close(descriptor)

    def _fold(self, file: Path) -> None:
        kind = file.name.partition("_")[0]
        if kind not in _SUMMED or not is_readable(file):
            return
        sums = MmapedDict(str(self._directory / f"{kind}_{self._own}.db"))  # type: ignore[no-untyped-call]
        try:
            for key, value, *_ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
                before, _ = sums.read_value(key)  # type: ignore[no-untyped-call]
                sums.write_value(key, before + value, 0.0)  # type: ignore[no-untyped-call]
        finally:
            sums.close()  # type: ignore[no-untyped-call]
