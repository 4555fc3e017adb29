"""Greeks as columns: the order of the fields, and the units in which they leave the system.

Inside the pricing kernel volatility and rate count per 1.00 and time per year.  Outside it a vol
point, a calendar day and 1 % are the units; an implied volatility is always a fraction.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAYS_PER_YEAR = 365.0


class GreekField(IntEnum):
    """The row of a field in an array of columns."""

    IMPLIED_VOL = 0
    #: Rupees: what the model makes of the implied volatility.
    PRICE = 1
    #: Of the spot, like gamma: the forward is taken to move in proportion to it.
    DELTA = 2
    GAMMA = 3
    VEGA = 4
    THETA = 5
    RHO = 6
    #: What delta gains with the volatility.
    VANNA = 7
    #: What vega gains with the volatility.
    VOLGA = 8
    #: What delta gains with time passing.
    CHARM = 9
    #: What gamma gains with the spot.
    SPEED = 10
    #: Rupees.
    FORWARD = 11
    #: A :class:`~angel_x.domain.pricing.forward.ForwardSource`.
    FORWARD_SOURCE = 12
    #: A :class:`~angel_x.domain.pricing.iv_status.IvStatus` or :class:`~angel_x.domain.pricing.pricing_status.MarketStatus`.
    STATUS = 13


GREEK_FIELDS = tuple(field.name.lower() for field in GreekField)

_TO_EDGE = np.ones((len(GREEK_FIELDS), 1))
_TO_EDGE[GreekField.VEGA] = 0.01
_TO_EDGE[GreekField.THETA] = 1.0 / DAYS_PER_YEAR
_TO_EDGE[GreekField.RHO] = 0.01
_TO_EDGE[GreekField.VANNA] = 0.01
_TO_EDGE[GreekField.VOLGA] = 0.01**2
_TO_EDGE[GreekField.CHARM] = 1.0 / DAYS_PER_YEAR


def to_edge_units(raw: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return columns of kernel units, shape (fields, rows), in edge units and single precision."""
    edge: NDArray[np.float32] = (raw * _TO_EDGE).astype(np.float32)
    return edge


def absent(rows: int) -> NDArray[np.float32]:
    """Return the columns of rows for which nothing is published: NaN throughout."""
    return np.full((len(GREEK_FIELDS), rows), np.nan, np.float32)
