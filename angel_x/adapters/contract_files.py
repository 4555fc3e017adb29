"""Files of contracts on disk: recorded chains and scrip masters, recognized by their first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from angel_x.adapters.chain_files import read_chain
from angel_x.adapters.scrip_files import Progress, is_master, read_master
from angel_x.domain.contracts.contract_file import ContractFile

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from angel_x.domain.calendar.session import TradingCalendar
    from angel_x.domain.contracts.contract_rules import ContractRules


def read_contracts(
    path: Path,
    trading_day: date,
    progress: Progress,
    *,
    rules: ContractRules,
    calendar: TradingCalendar,
) -> ContractFile:
    """Return the contracts in a file: the options of a scrip master, or those of a recording.

    Raises:
        InvalidChainFile: With the file, the row and the column of the first fault.
        InvalidScripMaster: With the file, the row and the field of the first fault.
        OSError: The file cannot be opened.
    """
    if not is_master(path):
        return ContractFile(read_chain(path, rules, calendar).universe)
    return read_master(path, trading_day, rules, calendar, progress)
