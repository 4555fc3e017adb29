"""What is published of whole chains, and what can be told of it without reading it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Valued(NamedTuple):
    """Whole chains, priced: one column a row, one fingerprint a chain."""

    #: In edge units, shape (fields of :class:`~angel_x.domain.pricing.greek.GreekField`, rows).
    greeks: NDArray[np.floating]
    #: Rupees, shape (RISK_ROWS, rows).
    risk: NDArray[np.floating]
    #: When they were asked for, epoch milliseconds.
    as_of_ms: int
    #: Of the quotes that they were computed from.
    fingerprints: NDArray[np.uint64]


class Heads(NamedTuple):
    """When every chain of a universe was published and from what; zeros where it is not."""

    as_of_ms: NDArray[np.int64]
    fingerprints: NDArray[np.uint64]
