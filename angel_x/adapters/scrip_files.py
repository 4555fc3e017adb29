"""Scrip masters on disk, read row by row: one is forty megabytes, and a process that reads it two."""

from __future__ import annotations

import gzip
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO, TYPE_CHECKING, cast

import ijson

from angel_x.adapters.text_files import is_compressed, open_binary
from angel_x.domain.scrip_master import parse_master
from angel_x.errors import InvalidScripMaster

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from angel_x.domain.contract_file import ContractFile
    from angel_x.domain.contract_rules import ContractRules
    from angel_x.domain.session import TradingCalendar

#: Told how many bytes were read, of how many.
Progress = Callable[[int, int], None]

_BUFFER = 64 * 1024
_BLANK = b" \t\r\n" + BOM_UTF8
_TOLD_EVERY = 1_000


def is_master(path: Path) -> bool:
    """Say whether a file holds JSON: a chain file begins with the names of its columns.

    Raises:
        OSError: The file cannot be opened.
    """
    try:
        with open_binary(path) as file:
            return file.read(_BUFFER).lstrip(_BLANK)[:1] in {b"[", b"{"}
    except (EOFError, zlib.error, gzip.BadGzipFile):
        # Whoever reads all of it says where it is broken.
        return False


def read_master(
    path: Path,
    trading_day: date,
    rules: ContractRules,
    calendar: TradingCalendar,
    progress: Progress = lambda _done, _total: None,
) -> ContractFile:
    """Return the contracts in a file.

    Raises:
        InvalidContractFile: With the file, the row and the field of the first fault.
        OSError: The file cannot be opened.
    """
    with path.open("rb") as raw, _unpacked(raw, path) as file:
        rows = _watched(_rows(file, path.name), raw, path.stat().st_size, progress)
        return parse_master(rows, path.name, rules, calendar, trading_day)


def _unpacked(raw: IO[bytes], path: Path) -> IO[bytes]:
    file = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if is_compressed(path) else raw
    with suppress(EOFError, zlib.error, gzip.BadGzipFile):
        # Whoever reads on says where it is broken.
        if file.read(len(BOM_UTF8)) == BOM_UTF8:
            return file
    file.seek(0)
    return file


def _rows(file: IO[bytes], name: str) -> Iterator[object]:
    """Yield the members of the array; what stops the reading of one is a fault of that row."""
    row = 1
    try:
        for value in ijson.items(file, "item", buf_size=_BUFFER):
            yield value
            row += 1
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        detail = f"compressed text ends here: {error}"
        raise InvalidScripMaster(name, row, "(any)", detail) from error
    except ijson.JSONError as error:
        reason = " ".join(str(error).split("\n", 1)[0].split())
        raise InvalidScripMaster(name, row, "(any)", f"must be JSON: {reason}") from error


def _watched(
    rows: Iterator[object], raw: IO[bytes], size: int, progress: Progress
) -> Iterator[object]:
    for number, row in enumerate(rows):
        if number % _TOLD_EVERY == 0:
            progress(raw.tell(), size)
        yield row
    progress(size, size)
