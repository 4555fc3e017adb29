"""Published values of whole chains, and their heads, which are read without the values."""

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
    #: The request time, epoch milliseconds.
    as_of_ms: int
    #: The fingerprints of their quotes.
    fingerprints: NDArray[np.uint64]


class Heads(NamedTuple):
    """Request time and fingerprint of every published chain; zeros where unpublished."""

    as_of_ms: NDArray[np.int64]
    fingerprints: NDArray[np.uint64]
