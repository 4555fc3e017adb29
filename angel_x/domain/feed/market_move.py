"""What a source of market data tells at one moment of the market."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class MarketMove:
    """The quotes that changed, and where every underlying stands.

    Rows, underlyings and chains count in the universe of the source.  The time of the quotes is left at
    zero: it is the wall clock of receipt, which the receiver knows.
    """

    #: Market time, UTC.
    at: datetime
    rows: NDArray[np.int64]
    #: One QUOTE a row.
    quotes: NDArray[np.void]
    #: One QUOTE an underlying.
    spots: NDArray[np.void]
    #: One QUOTE a chain: the future of the same underlying and expiry, zeros where there is none.
    #: None where the source knows no futures at all.
    futures: NDArray[np.void] | None = None
    #: The number that the source gives its messages, one more each time; None where it gives none.
    sequence: int | None = None
