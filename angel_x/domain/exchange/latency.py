"""Latency: the time of an order to the exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.values.draw import Stream, draws

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Latency:
    """A fixed time, and up to ``jitter_ms`` more, uniformly distributed."""

    fixed_ms: int = 0
    jitter_ms: int = 0
    seed: int = 0

    @property
    def is_none(self) -> bool:
        return not (self.fixed_ms or self.jitter_ms)

    def seconds(self, ids: NDArray[np.int64], attempts: NDArray[np.int64]) -> float:
        """Return the latency of a batch in seconds: that of its slowest order."""
        if not len(ids) or self.is_none:
            return 0.0
        slowest = float(draws(self.seed, Stream.LATENCY, ids, attempts).max())
        return (self.fixed_ms + self.jitter_ms * slowest) / 1000.0
