"""Files of contracts on disk: recordings and lists of instruments, recognized by their first line."""

from __future__ import annotations

import csv
from itertools import islice
from typing import TYPE_CHECKING

from angel_x.adapters.chain_files import lines, read_chain
from angel_x.adapters.scrip_files import Progress, is_master, read_list, read_master
from angel_x.adapters.text_files import open_text
from angel_x.domain.contracts.broker_lists import DHAN, KITE
from angel_x.domain.contracts.contract_file import ContractFile

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from angel_x.domain.calendar.session import TradingCalendar
    from angel_x.domain.contracts.contract_rules import ContractRules
    from angel_x.domain.contracts.row_listing import InstrumentFormat


def read_contracts(
    path: Path,
    trading_day: date,
    progress: Progress,
    *,
    rules: ContractRules,
    calendar: TradingCalendar,
) -> ContractFile:
    """Return the contracts in a file: the options of a list of instruments, or those of a recording.

    Raises:
        InvalidChainFile: With the file, the row and the column of the first fault.
        InvalidScripMaster: With the file, the row and the field of the first fault.
        OSError: The file cannot be opened.
    """
    if is_master(path):
        return read_master(path, trading_day, rules, calendar, progress)
    listed = _format(path)
    if listed is not None:
        return read_list(path, listed, trading_day, rules, calendar, progress)
    return ContractFile(read_chain(path, rules, calendar, trading_day).universe)


def _format(path: Path) -> InstrumentFormat | None:
    """Return the list of which a CSV file has the header, None for another file."""
    with open_text(path) as file:
        first = islice(lines(file, path.name), 1)
        header = {cell.strip() for cells in csv.reader(first) for cell in cells}
    return next((each for each in (KITE, DHAN) if each.marks <= header), None)
