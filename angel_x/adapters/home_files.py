"""Files of a home that can be made again: written whole, and refused with their name and a remedy."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from angel_x.adapters.children.aside import clear_for_file
from angel_x.errors import UnusableFile

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn an error of the operating system into one that names the file and the remedy.

    Raises:
        UnusableFile: The file cannot be read or written.
    """
    try:
        yield
    except OSError as error:
        found = Path(os.fsdecode(error.filename)) if error.filename else path
        reason = (error.strerror or str(error)).lower()
        raise UnusableFile(str(found), reason, _remedy(error.errno, found)) from error


def write_whole(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file atomically, also one that is read-only or a directory.

    Raises:
        UnusableFile: The directory cannot be written, or its disk is full.
    """
    draft = path.with_name(f"{path.name}.new")
    with named(path):
        clear_for_file(path)
        clear_for_file(draft)
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            os.fchmod(descriptor, mode)
            opened.write(text)
        draft.replace(path)


def _remedy(number: int | None, path: Path) -> str:
    if number in _FULL:
        return "free space on its disk"
    if number in _FORBIDDEN:
        return "let this user write it"
    if "postgres" in path.parts:
        return "repair it, and never remove it: the database lies there"
    return "move it out of the way"
