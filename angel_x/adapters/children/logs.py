"""The log files of children: that of this run, and that of the run before."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from angel_x.adapters.children.aside import clear_for_directory, clear_for_file

#: Characters of a log that an error shows.
_TAIL = 2000


def begin_log(log: Path) -> None:
    """Keep the log of the run before, and no older one."""
    older = log.with_suffix(".log.1")
    clear_for_directory(log.parent)
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    clear_for_file(log)
    clear_for_file(older)
    if log.exists():
        log.replace(older)


def open_log(log: Path) -> BinaryIO:
    """Open a log to append to, for its owner only."""
    log.touch(mode=0o600)
    return log.open("ab", buffering=0)


def with_tail(reason: str, log: Path) -> str:
    """Return the reason of a failure with the end of the log, if there is one."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return f"{reason}\n{log} ends with:\n{text[-_TAIL:]}" if text else reason
