"""One future in a list of instruments, and its contradictions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

from angel_x.domain.contracts.option_row import Columns
from angel_x.domain.contracts.scrip_cells import FieldFault

#: Paise of a rupee: a tick divides it or is a multiple of it.
_RUPEE = 100


class FutureRow(NamedTuple):
    """The terms of a future as a row has them."""

    exchange: str
    underlying: str
    expiry: date
    #: Units.
    lot: int
    #: Paise.
    tick: int
    #: Units; None where the row gives none.
    freeze: int | None
    symbol: str


class FutureEnding(NamedTuple):
    """The end of the symbols of futures in a format."""

    #: Its first group is the period.
    pattern: re.Pattern[str]
    example: str
    #: Returns the periods by which the format may name an expiry.
    periods: Callable[[date], tuple[str, ...]]


def check_future(
    row: FutureRow, columns: Columns, ending: FutureEnding, given: Mapping[str, object]
) -> None:
    """Refuse an expiry that a symbol such as ``NIFTY25AUG26FUT`` contradicts, and an impossible tick.

    Raises:
        FieldFault: With the column, the value and the expected value.
    """
    match = ending.pattern.search(row.symbol)
    if match is None:
        raise FieldFault(columns.symbol, f"must end as {ending.example} does", row.symbol)
    if match[1] not in ending.periods(row.expiry):
        rule = f"must be the expiry of the symbol {row.symbol}"
        raise FieldFault(columns.expiry, rule, given[columns.expiry])
    if _RUPEE % row.tick and row.tick % _RUPEE:
        rule = "must be paise that divide a rupee or whole rupees: lot and tick may be swapped"
        raise FieldFault(columns.tick, rule, given[columns.tick])
