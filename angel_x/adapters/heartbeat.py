"""The heartbeat of a worker: a file that it writes when it asks the broker for messages of all its queues.

The standard library is enough, because a probe reads it in milliseconds.  Times are of the monotonic
clock, which all processes of a machine share and no clock setting moves.
"""

from __future__ import annotations

import os
from contextlib import suppress
from math import floor
from pathlib import Path
from time import monotonic

_FOLDER = "heartbeats"
#: Seconds between two beats of a worker that asks all the time.
_PAUSE = 1.0


def heartbeat_file(home: str, node: str, worker: str) -> Path:
    """Return the file of one worker of one machine."""
    return Path(home).absolute() / _FOLDER / f"{node}.{worker}".replace(os.sep, "_")


def tick_file(home: str) -> Path:
    """Return the file that the leading Beat writes at every tick."""
    return Path(home).absolute() / "beat.tick"


def last_beat(file: Path) -> float | None:
    """Return the time of the last beat; None where no beat since the machine's start is known."""
    with suppress(OSError, ValueError):
        beat = float(file.read_bytes())
        return beat if beat <= monotonic() else None
    return None


class Heartbeat:
    """Writes the heartbeat of this process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None
        self._next = 0.0

    def beat(self) -> None:
        """Write the present time; a second call within a second does nothing.

        A disk that is full or gone leaves the file as it is.
        """
        now = monotonic()
        if now < self._next:
            return
        self._next = now + _PAUSE
        with suppress(OSError):
            if self._descriptor is None:
                self._descriptor = self._open()
            # In place and of one length, so that no reader meets half of it, and never rounded up: a
            # beat in the future is not believed.
            os.pwrite(self._descriptor, f"{floor(now * 1000) / 1000:020.3f}\n".encode(), 0)

    def _open(self) -> int:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
