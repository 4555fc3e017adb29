"""Greeks as columns, one row a field of :class:`~angel_x.domain.pricing.greek.GreekField`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.pricing.greek import GREEK_FIELDS, GREEKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TO_EDGE = np.ones((len(GREEK_FIELDS), 1))
_TO_EDGE[[greek.field for greek in GREEKS], 0] = [greek.scale for greek in GREEKS]


def to_edge_units(raw: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return columns of kernel units, shape (fields, rows), in edge units and single precision."""
    edge: NDArray[np.float32] = (raw * _TO_EDGE).astype(np.float32)
    return edge


def absent(rows: int) -> NDArray[np.float32]:
    """Return the columns of rows for which nothing is published: NaN throughout."""
    return np.full((len(GREEK_FIELDS), rows), np.nan, np.float32)
