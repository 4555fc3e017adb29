"""Recorded chains on disk, plain or compressed with gzip."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from angel_x.adapters.text_files import open_text
from angel_x.domain.feed.chain_file import parse_chain
from angel_x.errors import InvalidChainFile

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from angel_x.domain.calendar.session import TradingCalendar
    from angel_x.domain.contracts.contract_rules import ContractRules
    from angel_x.domain.feed.replay import RecordedChain

#: A longer line is refused, so that a file without line ends is not read into memory.
_LONGEST_LINE = 64 * 1024


def read_chain(
    path: Path,
    rules: ContractRules,
    calendar: TradingCalendar,
    today: date | None = None,
    *,
    day: date | None = None,
) -> RecordedChain:
    """Return the recording in a file; ``today`` is the day of one that has none.

    With ``day`` only that day is read, as in :func:`parse_chain`.

    Raises:
        InvalidChainFile: With the file, the row and the column of the first fault.
        OSError: The file cannot be opened.
    """
    with open_text(path) as file:
        return parse_chain(lines(file, path.name), path.name, rules, calendar, today, day)


def lines(file: IO[str], name: str) -> Iterator[str]:
    """Yield lines; a decoding error is a fault of the file at that row."""
    row = 1
    try:
        while line := file.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                detail = f"a line must be shorter than {_LONGEST_LINE:,} characters, was longer"
                raise InvalidChainFile(name, row, "(any)", detail)
            yield line
            row += 1
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidChainFile(name, row, "(any)", f"compressed text ends here: {error}") from error
    except UnicodeDecodeError as error:
        raise InvalidChainFile(
            name, row, "(any)", f"must be UTF-8, was {error.object[error.start : error.end]!r}"
        ) from error
