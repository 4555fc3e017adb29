"""Files and directories that can be made again: a damaged one is renamed, so that it stops no start."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

#: Renamed files of one name that are kept.
KEPT = 2
_MARK = ".damaged-"


def put_aside(path: Path) -> Path:
    """Rename a file or directory to ``<name>.damaged-<UTC time>``, and remove all but the newest of these.

    Raises:
        OSError: The directory cannot be written.
    """
    target = path.with_name(f"{path.name}{_MARK}{_now()}")
    path.rename(target)
    # Renaming kept the time of the last change, so the name decides the age.
    for old in sorted(path.parent.glob(f"{_escaped(path.name)}{_MARK}*"))[:-KEPT]:
        remove(old)
    return target


def clear_for_file(path: Path) -> None:
    """Put a directory aside that is in the place of a file."""
    if path.is_dir():
        put_aside(path)


def clear_for_directory(path: Path) -> None:
    """Put a file aside that is in the place of a directory."""
    if path.exists() and not path.is_dir():
        put_aside(path)


def remove(path: Path) -> None:
    """Remove a file or a directory with its content; a second call does nothing."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _now() -> str:
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime(f"%Y%m%dT%H%M%S.{rest:09d}Z", time.gmtime(seconds))


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
