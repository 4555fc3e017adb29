"""Slippage: the distance of a fill from the touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.values.draw import Stream, draws

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Slippage:
    """Zero to ``max_ticks`` ticks against the order, with equal probabilities.

    Drawn from the order id and its filled quantity, so a repeated fill has the same slippage.
    """

    max_ticks: int = 0
    seed: int = 0

    def ticks(self, ids: NDArray[np.int64], filled: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the slippage of each order in ticks."""
        if not self.max_ticks:
            return np.zeros(len(ids), np.int64)
        chance = draws(self.seed, Stream.SLIPPAGE, ids, filled)
        return (chance * (self.max_ticks + 1)).astype(np.int64)
