"""The files of metrics, which a full disk or a power cut may leave empty or damaged."""

from __future__ import annotations

import json
import os
import struct
from functools import lru_cache
from pathlib import Path

from angel_x.adapters.children.aside import put_aside

#: The files of a slot, and the bytes that are allocated for each before it is used: a process that
#: writes into a file without room is killed by a signal.
KINDS = {"counter": 1 << 17, "gauge_mostrecent": 1 << 16, "histogram": 1 << 18}

_HEAD = 8
_NUMBERS = 16
#: Keys repeat from one scrape to the next.
_KEYS = 50_000


def is_readable(file: Path) -> bool:
    """Return whether every entry of a file can be read.

    The reader of prometheus_client trusts the lengths in a file, and may hang on a wrong one.
    """
    try:
        _check(file)
    # Damaged bytes can raise any error.
    except Exception:  # noqa: BLE001
        return False
    return True


def files_of(directory: Path, slot: str) -> list[Path]:
    """Return the existing files of a slot."""
    return [file for kind in KINDS if (file := directory / f"{kind}_{slot}.db").exists()]


def prepare_files(directory: Path, slot: str) -> list[Path]:
    """Allocate the files of a slot; put aside those that its process could not use, and return these.

    Raises:
        OSError: The disk is full, or the directory cannot be written.
    """
    # An empty file is filled by the process that opens it.
    unusable = [f for f in files_of(directory, slot) if f.stat().st_size and not _is_usable(f)]
    aside = [put_aside(file) for file in unusable]
    for kind, size in KINDS.items():
        _allocate(directory / f"{kind}_{slot}.db", size)
    return aside


def _is_usable(file: Path) -> bool:
    return os.access(file, os.R_OK | os.W_OK) and is_readable(file)


def _allocate(file: Path, size: int) -> None:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):  # not on macOS
            os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)


def _check(file: Path) -> None:
    """Follow the entries: the length of a key, the key, padding to eight bytes, and two numbers.

    Raises:
        ValueError: A length leads out of the file, or a key is not one of prometheus_client.
    """
    if not any(file.name.startswith(f"{kind}_") for kind in KINDS):
        raise ValueError(f"a file must be of a known kind, was {file.name}")
    content = _used_bytes(file)
    position = _HEAD
    while position < len(content):
        (length,) = struct.unpack_from("i", content, position)
        key = position + 4
        position = key + length + (8 - (length + 4) % 8) + _NUMBERS
        if length <= 0 or position > len(content):
            raise ValueError(f"a key must end within {len(content)}, its length was {length}")
        _check_key(content[key : key + length])


def _used_bytes(file: Path) -> bytes:
    with file.open("rb") as opened:
        (used,) = struct.unpack_from("i", opened.read(_HEAD))
        size = os.fstat(opened.fileno()).st_size
        if not 0 <= used <= size:
            raise ValueError(f"the used length must be 0 to {size}, was {used}")
        opened.seek(0)
        return opened.read(used)


@lru_cache(_KEYS)
def _check_key(key: bytes) -> None:
    family, name, labels, text = json.loads(key)
    if not all(isinstance(each, str) for each in (family, name, text, *labels.values())):
        raise TypeError(f"a key must hold text, was {key!r}")
    float(labels.get("le", 0))
