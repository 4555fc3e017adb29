"""The result of listing other contracts than before."""

from __future__ import annotations

from typing import NamedTuple


class Replaced(NamedTuple):
    """The contracts that left the list, and those that stay on it without being named."""

    #: The number of contracts unlisted.
    unlisted: int
    #: The symbols of contracts that stay listed because a position or an order is open in them.
    kept: tuple[str, ...]
