"""Recorded chains on disk, plain or compressed with gzip."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from angel_x.domain.chain_file import parse_chain
from angel_x.errors import InvalidChainFile

if TYPE_CHECKING:
    from angel_x.domain.contract_rules import ContractRules
    from angel_x.domain.replay import RecordedChain
    from angel_x.domain.session import TradingCalendar

_GZIP_MAGIC = b"\x1f\x8b"


def read_chain(path: Path, rules: ContractRules, calendar: TradingCalendar) -> RecordedChain:
    """Return the recording in a file.

    Raises:
        InvalidChainFile: With the file, the row and the column of the first fault.
        OSError: The file cannot be opened.
    """
    with _open(path) as file:
        return parse_chain(_lines(file, path.name), path.name, rules, calendar)


def _open(path: Path) -> IO[str]:
    # What a file is called says less than how it begins.
    with path.open("rb") as file:
        compressed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    if compressed:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _lines(file: IO[str], name: str) -> Iterator[str]:
    """Yield lines; what stops the decoding of one is a fault of the file at that row."""
    row = 1
    try:
        for line in file:
            yield line
            row += 1
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidChainFile(name, row, "(any)", f"compressed text ends here: {error}") from error
    except UnicodeDecodeError as error:
        raise InvalidChainFile(
            name, row, "(any)", f"must be UTF-8, was {error.object[error.start : error.end]!r}"
        ) from error
