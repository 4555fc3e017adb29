"""The scrip master of Angel One: its contracts of NFO and BFO.

They are options on indices (OPTIDX) and stocks (OPTSTK), and futures on indices (FUTIDX).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from angel_x.domain.contracts import scrip_cells
from angel_x.domain.contracts.future_row import FutureEnding, FutureRow, check_future
from angel_x.domain.contracts.option_row import (
    BSE,
    NSE,
    Columns,
    OptionRow,
    check_symbol,
    written_day,
)
from angel_x.domain.contracts.row_listing import (
    FUTURES,
    OTHER,
    InstrumentFormat,
    Row,
    parse_rows,
)

if TYPE_CHECKING:
    from angel_x.domain.calendar.session import TradingCalendar
    from angel_x.domain.contracts.contract_file import ContractFile
    from angel_x.domain.contracts.contract_rules import ContractRules

_EXCHANGES = {"NFO": NSE, "BFO": BSE}
_OPTIONS = frozenset({"OPTIDX", "OPTSTK"})
_INDEX_FUTURE, _STOCK_FUTURE = "FUTIDX", "FUTSTK"
_UNITS = "must be a whole number of units above 0"
_COLUMNS = Columns("strike", "lotsize", "tick_size", "expiry", "symbol", "freeze_qty", "paise")
_ENDING = FutureEnding(
    re.compile(r"(\d{2}[A-Z]{3}\d{2})FUT\Z", re.ASCII),
    "25AUG26FUT",
    lambda day: (written_day(day),),
)


def parse_master(
    rows: Iterable[object],
    file: str,
    rules: ContractRules,
    calendar: TradingCalendar,
    trading_day: date,
) -> ContractFile:
    """Return the contracts of a master listed on a trading day, as :func:`parse_rows` does."""
    return parse_rows(rows, file, ANGEL_ONE, rules, calendar, trading_day)


def _read(row: Row) -> OptionRow | FutureRow | str:
    segment = scrip_cells.text(row, "exch_seg")
    kind = scrip_cells.text(row, "instrumenttype")
    if segment not in _EXCHANGES or kind not in {*_OPTIONS, _INDEX_FUTURE, _STOCK_FUTURE}:
        return OTHER
    if kind == _STOCK_FUTURE:
        return FUTURES
    return _future(row) if kind == _INDEX_FUTURE else _option(row)


def _future(row: Row) -> FutureRow:
    future = FutureRow(
        exchange=_EXCHANGES[scrip_cells.text(row, "exch_seg")],
        underlying=scrip_cells.underlying(row),
        expiry=scrip_cells.expiry(row),
        lot=scrip_cells.positive(row, "lotsize", _UNITS),
        tick=scrip_cells.tick_size(row),
        freeze=scrip_cells.freeze_quantity(row),
        symbol=scrip_cells.text(row, "symbol"),
    )
    check_future(future, _COLUMNS, _ENDING, row)
    return future


def _option(row: Row) -> OptionRow:
    option = OptionRow(
        exchange=_EXCHANGES[scrip_cells.text(row, "exch_seg")],
        expiry=scrip_cells.expiry(row),
        underlying=scrip_cells.underlying(row),
        lot=scrip_cells.positive(row, "lotsize", _UNITS),
        strike=scrip_cells.positive(row, "strike", "must be whole paise above 0"),
        right=scrip_cells.right(row),
        tick=scrip_cells.tick_size(row),
        freeze=scrip_cells.freeze_quantity(row),
        symbol=scrip_cells.text(row, "symbol"),
    )
    check_symbol(option, _COLUMNS, row)
    return option


ANGEL_ONE = InstrumentFormat(
    "Angel One's scrip master (JSON)",
    frozenset({"exch_seg", "instrumenttype"}),
    _COLUMNS,
    _read,
)
