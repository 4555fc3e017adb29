"""Files on disk, plain or compressed with gzip."""

from __future__ import annotations

import gzip
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from pathlib import Path

_GZIP_MAGIC = b"\x1f\x8b"


def is_compressed(path: Path) -> bool:
    """Return whether a file is compressed with gzip, by its first bytes and not by its name."""
    with path.open("rb") as file:
        return file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC


def open_binary(path: Path) -> IO[bytes]:
    """Open a file for binary reading, decompressed."""
    return cast("IO[bytes]", gzip.open(path, "rb")) if is_compressed(path) else path.open("rb")


def open_text(path: Path) -> IO[str]:
    """Open a UTF-8 file for reading, with or without a byte order mark; line ends are kept."""
    if is_compressed(path):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
