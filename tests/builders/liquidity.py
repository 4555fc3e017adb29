"""A liquidity board in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe


class MemoryLiquidity:
    """What was taken, by contract and side, with the quote that it was taken of."""

    def __init__(self) -> None:
        self.calls = 0
        self._taken: dict[tuple[str, int, int], tuple[tuple[int, int, int], int, int]] = {}

    def take(self, universe: Universe, claims: NDArray[np.void]) -> NDArray[np.int64]:
        self.calls += 1
        return np.array([self._take_one(universe.version, c) for c in claims], np.int64)

    def left(self, universe: Universe, claims: NDArray[np.void]) -> NDArray[np.int64]:
        taken = dict(self._taken)
        try:
            return np.array([self._take_one(universe.version, c) for c in claims], np.int64)
        finally:
            self._taken = taken

    def _take_one(self, version: str, claim: np.void) -> int:
        key = version, int(claim["row"]), int(claim["is_buy"])
        quote = int(claim["price"]), int(claim["size"]), int(claim["volume"])
        time, taken = int(claim["time"]), 0
        if key in self._taken:
            known, known_time, known_taken = self._taken[key]
            if known == quote:
                taken, time = known_taken, max(time, known_time)
            elif time <= known_time:
                return 0
        granted = max(0, min(int(claim["wanted"]), int(claim["displayed"]) - taken))
        if granted:
            self._taken[key] = quote, time, taken + granted
        return granted
