"""The risk arrays of a SPAN risk parameter file of the clearing corporation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.margin.risk_arrays import RISK_ROWS

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class RiskFile:
    """The options and futures of a file: their risk arrays, and the calendar spread charges of underlyings."""

    #: The name of the file.
    name: str
    #: The day of the market whose close, or during which, it was made.
    day: date
    symbols: Sequence[str]
    #: Of one unit long, shape (RISK_ROWS, symbols): 16 losses in rupees, delta, price.
    columns: NDArray[np.float64]
    #: Rupees for each unit of delta that two expiries offset, by underlying.
    spreads: Mapping[str, Decimal]

    def columns_of(self, symbols: Collection[str]) -> NDArray[np.float64]:
        """Return the risk arrays of contracts; NaN for those that the file lacks."""
        found = np.full((RISK_ROWS, len(symbols)), np.nan)
        places = [self._places.get(symbol, -1) for symbol in symbols]
        listed = np.array(places, np.int64) >= 0
        found[:, listed] = self.columns[:, [place for place in places if place >= 0]]
        return found

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {symbol: place for place, symbol in enumerate(self.symbols)}


@dataclass(frozen=True, slots=True)
class RiskFileRecord:
    """The file in force, or the end of the last one."""

    name: str
    #: None where no file is in force.
    day: date | None
    contracts: int
    actor: str
    at: datetime
