"""Sizes in bytes, for people."""

from __future__ import annotations

_STEP = 1024
_UNITS = ("B", "KiB", "MiB", "GiB")


def in_bytes(size: float) -> str:
    """Write a size in the largest unit of which it has one: ``1.5 MiB``."""
    for unit in _UNITS[:-1]:
        if abs(size) < _STEP:
            return f"{size:,.0f} B" if unit == "B" else f"{size:,.1f} {unit}"
        size /= _STEP
    return f"{size:,.1f} {_UNITS[-1]}"
