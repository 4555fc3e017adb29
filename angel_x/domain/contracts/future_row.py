"""One future in a list of instruments, and its contradictions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from angel_x.domain.contracts.contract import FUTURE
from angel_x.domain.contracts.option_row import Columns, written_day
from angel_x.domain.contracts.scrip_cells import FieldFault

#: Paise of a rupee: a tick divides it or is a multiple of it.
_RUPEE = 100
#: The end of a symbol: 25AUG26FUT of Angel One.
_ENDING = re.compile(rf"(\d{{2}}[A-Z]{{3}}\d{{2}}){FUTURE}\Z", re.ASCII)


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


def check_future(row: FutureRow, columns: Columns, given: Mapping[str, object]) -> None:
    """Refuse an expiry that a symbol such as ``NIFTY25AUG26FUT`` contradicts, and an impossible tick.

    Raises:
        FieldFault: With the column, the value and the expected value.
    """
    ending = _ENDING.search(row.symbol)
    if ending is None:
        raise FieldFault(columns.symbol, "must end as 25AUG26FUT does", row.symbol)
    if ending[1] != written_day(row.expiry):
        rule = f"must be the expiry of the symbol {row.symbol}"
        raise FieldFault(columns.expiry, rule, given[columns.expiry])
    if _RUPEE % row.tick and row.tick % _RUPEE:
        rule = "must be paise that divide a rupee or whole rupees: lot and tick may be swapped"
        raise FieldFault(columns.tick, rule, given[columns.tick])
