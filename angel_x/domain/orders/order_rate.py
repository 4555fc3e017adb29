"""Admission of orders by their rate, and the windows that count them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: At most as many orders as the limit are admitted within any span of this length.
WINDOW_SECONDS = 1.0

#: The most orders within a window, by the name of the window.
Windows = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Ask:
    """Orders of one submission, and the windows that count them: at most two."""

    orders: int
    windows: tuple[str, ...]
