"""The log files of children, which are bounded: the present one, and older ones under numbers."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from angel_x.adapters.children.aside import clear_for_directory, clear_for_file

#: Characters of a log that an error shows.
_TAIL = 2000
_PIECE = 1 << 20


class LogBounds(NamedTuple):
    """The size of a log file, and the number of older ones that are kept beside it."""

    bytes: int = 20_000_000
    files: int = 5


#: The bounds of the settings' defaults.
USUAL_BOUNDS = LogBounds()


def begin_log(log: Path, kept: int) -> None:
    """Begin an empty log; those of earlier runs keep their order, the newest ``kept`` of them."""
    clear_for_directory(log.parent)
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (log, *(_older(log, number) for number in _numbers(log))):
        clear_for_file(path)
    if log.exists():
        _shift(log, kept)
        log.replace(_older(log, 1))


def cut_log(log: Path, bounds: LogBounds) -> None:
    """Copy a log that is too large to an older one and empty it, while a process appends to it.

    Lines that are written between both are lost.
    """
    if log.stat().st_size <= bounds.bytes:
        return
    draft = log.with_suffix(".log.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with log.open("rb") as source, os.fdopen(descriptor, "wb") as copy:
        while piece := source.read(_PIECE):
            copy.write(piece)
    os.truncate(log, 0)
    _shift(log, bounds.files)
    draft.replace(_older(log, 1))


class BoundedLog:
    """A log to append to, for its owner only.  A disk that is full takes no lines and ends nothing."""

    def __init__(self, log: Path, bounds: LogBounds) -> None:
        self._path = log
        self._bounds = bounds
        self._open()

    def write(self, content: bytes) -> None:
        """Append; a file that would grow too large is begun anew."""
        with suppress(OSError):
            if self._size and self._size + len(content) > self._bounds.bytes:
                self._file.close()
                begin_log(self._path, self._bounds.files)
                self._open()
            self._size += self._file.write(content) or 0

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()

    def _open(self) -> None:
        self._path.touch(mode=0o600)
        self._file = self._path.open("ab", buffering=0)
        self._size = self._file.tell()


def with_tail(reason: str, log: Path) -> str:
    """Return the reason of a failure with the end of the log, if there is one."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return f"{reason}\n{log} ends with:\n{text[-_TAIL:]}" if text else reason


def _shift(log: Path, kept: int) -> None:
    """Make room for a newest older file, and remove those beyond ``kept``."""
    numbers = sorted(_numbers(log), reverse=True)
    for number in numbers:
        if number >= kept:
            _older(log, number).unlink()
        else:
            _older(log, number).replace(_older(log, number + 1))


def _numbers(log: Path) -> list[int]:
    names = (path.name.removeprefix(f"{log.name}.") for path in log.parent.glob("*.log.*"))
    return [int(n) for n in names if n.isdecimal() and _older(log, int(n)).exists()]


def _older(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
