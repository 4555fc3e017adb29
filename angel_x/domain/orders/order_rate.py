"""Orders that ask to be let in, and the windows of time that count them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: No more orders than the limit are let in within any span of this length.
WINDOW_SECONDS = 1.0

#: Orders that may be let in within a window, by the name of what it counts.
Windows = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Ask:
    """Orders that come in together, and the windows that count them: at most two."""

    orders: int
    windows: tuple[str, ...]
