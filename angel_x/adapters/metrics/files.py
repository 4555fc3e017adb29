"""The files of metrics, which a full disk or a power cut may leave empty or damaged."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from prometheus_client.multiprocess import MultiProcessCollector

_HEAD = 8
_NUMBERS = 16


def is_readable(file: Path) -> bool:
    """Return whether every entry of a file can be read.

    The reader of prometheus_client trusts the lengths in a file, and may hang on a wrong one.
    """
    try:
        _check(file.read_bytes())
        MultiProcessCollector.merge([str(file)])  # type: ignore[no-untyped-call]
    # Damaged bytes can raise any error.
    except Exception:  # noqa: BLE001
        return False
    return True


def put_aside_damaged(directory: Path, slot: str) -> list[Path]:
    """Rename the damaged files of a slot, which its next process could not open; return their new names."""
    # An empty file is filled by the process that opens it.
    damaged = [f for f in directory.glob(f"*_{slot}.db") if f.stat().st_size and not is_readable(f)]
    return [file.replace(file.with_suffix(".db.damaged")) for file in damaged]


def _check(content: bytes) -> None:
    """Follow the entries: the length of a key, the key, padding to eight bytes, and two numbers.

    Raises:
        ValueError: A length leads out of the file, or a key is no JSON.
    """
    (used,) = struct.unpack_from("i", content)
    if not 0 <= used <= len(content):
        raise ValueError(f"the used length must be 0 to {len(content)}, was {used}")
    position = _HEAD
    while position < used:
        (length,) = struct.unpack_from("i", content, position)
        key = position + 4
        position = key + length + (8 - (length + 4) % 8) + _NUMBERS
        if length <= 0 or position > used:
            raise ValueError(f"a key must end within {used}, its length was {length}")
        json.loads(content[key : key + length])
