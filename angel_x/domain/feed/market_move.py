"""One move of the market, from a source of market data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class MarketMove:
    """The quotes that changed, and the spots of all underlyings.

    Rows, underlyings and chains are those of the universe of the source.  The time of the quotes is
    zero: the receiver sets it to the wall clock of receipt.
    """

    #: Market time, UTC.
    at: datetime
    rows: NDArray[np.int64]
    #: One QUOTE for each row.
    quotes: NDArray[np.void]
    #: One QUOTE for each underlying.
    spots: NDArray[np.void]
    #: One QUOTE for each chain: the future of the same underlying and expiry, zeros where there is
    #: none.  None where the source has no futures.
    futures: NDArray[np.void] | None = None
    #: The sequence number of the source, increasing by one; None where it has none.
    sequence: int | None = None
