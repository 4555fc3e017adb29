"""Asks for a match when quotes move in contracts in which orders rest."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe


class RestingContracts(Protocol):
    """The contracts in which orders rest."""

    def note(self, symbols: Collection[str]) -> None:
        """Note that orders rest in these contracts."""

    def symbols(self) -> Collection[str] | None:
        """Return the contracts in which orders rest; None where there are too many to name."""


class MatchRequests:
    """Requests a match only if resting orders are in moved contracts.

    A contract that is not recorded, after a wiped cache or for an order that has just begun to rest,
    waits for the periodic match of Beat.
    """

    def __init__(self, *, resting: RestingContracts, match: Callable[[], bool]) -> None:
        self._resting = resting
        self._match = match

    def ask(self, universe: Universe, moved: NDArray[np.int64]) -> bool:
        """Ask for a match if orders rest in a moved row; return whether a message was taken."""
        symbols = self._resting.symbols()
        if symbols is None:
            return self._match()
        rows = [universe.rows[symbol] for symbol in symbols if symbol in universe.rows]
        return bool(np.isin(rows, moved).any()) and self._match()
