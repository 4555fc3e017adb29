"""Greeks as columns, one row a field of :class:`~angel_x.domain.pricing.greek.GreekField`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.pricing.greek import GREEK_FIELDS, GREEKS, GreekField
from angel_x.domain.pricing.iv_status import IvStatus

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TO_EDGE = np.ones((len(GREEK_FIELDS), 1))
_TO_EDGE[[greek.field for greek in GREEKS], 0] = [greek.scale for greek in GREEKS]


def to_edge_units(raw: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return columns of kernel units, shape (fields, rows), in edge units and single precision."""
    edge: NDArray[np.float32] = (raw * _TO_EDGE).astype(np.float32)
    return edge


def with_futures(
    columns: NDArray[np.float32],
    times: NDArray[np.int64],
    quoted_at: NDArray[np.int64],
    is_future: NDArray[np.bool_],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return columns and times with those of futures, which are not published, one entry a row.

    A future moves as its underlying does: its delta is one and all other Greeks are zero, as of the
    time of its quote in epoch milliseconds.  One without a quote has none.
    """
    rows = is_future & (quoted_at > 0)
    if not rows.any():
        return columns, times
    filled = columns.copy()
    for greek in GREEKS:
        filled[greek.field, rows] = 0.0
    filled[GreekField.DELTA, rows] = 1.0
    filled[GreekField.STATUS, rows] = IvStatus.OK
    return filled, np.where(rows, quoted_at, times)


def absent(rows: int) -> NDArray[np.float32]:
    """Return the columns of rows for which nothing is published: NaN throughout."""
    return np.full((len(GREEK_FIELDS), rows), np.nan, np.float32)
