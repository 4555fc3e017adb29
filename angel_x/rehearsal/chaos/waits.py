"""How long emergency orders waited for their decision while faults of one kind went on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.rehearsal.chaos.fault import InjectedFault


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds from acceptance to decision; faults of other kinds may have gone on beside."""

    orders: int
    p50: float
    p99: float
    slowest: float


def waits_by_kind(
    faults: Sequence[InjectedFault], began: float, orders: NDArray[np.float64]
) -> Mapping[str, Waits]:
    """Return the waits of the orders that waited during proven faults, by kind.

    ``orders`` has a row for each: seconds of its acceptance and of its decision; ``began`` is the
    start of the storm by the same clock.  A kind during which no order waited is left out.
    """
    touched: dict[str, NDArray[np.bool_]] = {}
    for fault in faults:
        if fault.is_verified:
            start = began + fault.at
            overlap = (orders[:, 0] <= start + fault.seconds) & (orders[:, 1] >= start)
            touched[fault.kind] = touched.get(fault.kind, np.False_) | overlap
    seconds = orders[:, 1] - orders[:, 0]
    return {kind: _waits(seconds[rows]) for kind, rows in sorted(touched.items()) if rows.any()}


def _waits(seconds: NDArray[np.float64]) -> Waits:
    p50, p99, slowest = (round(float(x), 3) for x in np.percentile(seconds, (50, 99, 100)))
    return Waits(len(seconds), p50, p99, slowest)
