"""Instrument lists of brokers on disk, streamed row by row: a file has forty megabytes, its reader needs two."""

from __future__ import annotations

import csv
import gzip
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from typing import IO, TYPE_CHECKING, cast

import ijson
import numpy as np

from angel_x.adapters.chain_files import lines
from angel_x.adapters.text_files import is_compressed, open_binary, open_text
from angel_x.domain.contracts.broker_lists import UPSTOX
from angel_x.domain.contracts.row_listing import InstrumentFormat, parse_rows
from angel_x.domain.contracts.scrip_master import ANGEL_ONE
from angel_x.domain.feed.file_formats import KNOWN
from angel_x.errors import InvalidScripMaster

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from numpy.typing import NDArray

    from angel_x.domain.calendar.session import TradingCalendar
    from angel_x.domain.contracts.contract_file import ContractFile
    from angel_x.domain.contracts.contract_rules import ContractRules

#: Called with the bytes read and their total.
Progress = Callable[[int, int], None]

_BUFFER = 64 * 1024
_BLANK = b" \t\r\n" + BOM_UTF8
_TOLD_EVERY = 1_000
#: The header of a CSV file is row one.
_FIRST_ROW = 2
#: Rows are flat.  The parser's memory grows with the square of the depth: ten megabytes of brackets
#: would need terabytes.
_DEEPEST = 1_000


def is_master(path: Path) -> bool:
    """Return whether a file is JSON: a chain file begins with its column names.

    Raises:
        OSError: The file cannot be opened.
    """
    try:
        with open_binary(path) as file:
            # Byte by byte: the readable beginning of a broken file is sufficient.
            first = (file.read(1) for _ in range(_BUFFER))
            return next(filter(_is_content, first), b"") in {b"[", b"{"}
    except (EOFError, zlib.error, gzip.BadGzipFile):
        # The reader of the whole file reports the position of the fault.
        return False


def _is_content(byte: bytes) -> bool:
    return not byte or byte not in _BLANK


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
        first = next(rows, None)
        chosen = UPSTOX if isinstance(first, dict) and first.keys() >= UPSTOX.marks else ANGEL_ONE
        fields = {*first} if isinstance(first, dict) else ANGEL_ONE.marks
        if not fields & (UPSTOX.marks | ANGEL_ONE.marks):
            raise InvalidScripMaster(path.name, 1, "(any)", KNOWN)
        given = () if first is None else chain([first], rows)
        return parse_rows(given, path.name, chosen, rules, calendar, trading_day)


def master_rows(path: Path) -> Iterator[object]:
    """Yield the rows of a file that is JSON.

    Raises:
        InvalidScripMaster: With the row at which the file cannot be read.
        OSError: The file cannot be opened.
    """
    with path.open("rb") as raw, _unpacked(raw, path) as file:
        yield from _rows(file, path.name)


def read_list(
    path: Path,
    chosen: InstrumentFormat,
    trading_day: date,
    rules: ContractRules,
    calendar: TradingCalendar,
    progress: Progress = lambda _done, _total: None,
) -> ContractFile:
    """Return the contracts in a list that is a CSV file.

    Raises:
        InvalidChainFile: With the row at which the file cannot be decoded.
        InvalidScripMaster: With the row and the field of the first fault.
        OSError: The file cannot be opened.
    """
    size = path.stat().st_size
    with open_text(path) as file:
        rows = _cells(lines(file, path.name), path.name)
        result = parse_rows(
            rows, path.name, chosen, rules, calendar, trading_day, first_row=_FIRST_ROW
        )
    progress(size, size)
    return result


def _cells(text: Iterator[str], name: str) -> Iterator[dict[str, str]]:
    """Yield rows by the names in the header."""
    table = csv.reader(text, strict=True)
    try:
        header = [cell.strip() for cell in next(table)]
        for cells in table:
            if cells and len(cells) != len(header):
                detail = f"must have {len(header)} cells, was {len(cells)}"
                raise InvalidScripMaster(name, table.line_num, "(any)", detail)
            if cells:
                yield dict(zip(header, cells, strict=True))
    except csv.Error as error:
        detail = f"the row is no CSV: {error}"
        raise InvalidScripMaster(name, table.line_num, "(any)", detail) from error


def _unpacked(raw: IO[bytes], path: Path) -> IO[bytes]:
    file = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if is_compressed(path) else raw
    with suppress(EOFError, zlib.error, gzip.BadGzipFile):
        # The reader of the whole file reports the position of the fault.
        if file.read(len(BOM_UTF8)) == BOM_UTF8:
            return file
    file.seek(0)
    return file


def _rows(file: IO[bytes], name: str) -> Iterator[object]:
    """Yield the elements of the array; a parse error is a fault of that row."""
    row = 1
    try:
        # Without use_float a number of 4,301 digits ends the process, and 1e99999999999999999999
        # raises an error other than JSONError.
        for value in ijson.items(_Shallow(file), "item", buf_size=_BUFFER, use_float=True):
            yield value
            row += 1
    except _TooDeepError as error:
        raise InvalidScripMaster(name, row, "(any)", str(error)) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        detail = f"compressed text ends here: {error}"
        raise InvalidScripMaster(name, row, "(any)", detail) from error
    except ijson.JSONError as error:
        reason = " ".join(str(error).split("\n", 1)[0].split())
        raise InvalidScripMaster(name, row, "(any)", f"must be JSON: {reason}") from error


class _TooDeepError(Exception):
    """JSON that is nested deeper than any row."""


class _Shallow:
    """A file whose reading fails where it is nested too deep.

    Brackets in strings count too: they are closed again, or few.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._depth = 0

    def read(self, size: int) -> bytes:
        piece = self._file.read(size)
        if piece:
            depths = self._depth + np.cumsum(_NESTING[np.frombuffer(piece, np.uint8)])
            if depths.max() > _DEEPEST:
                raise _TooDeepError(f"must be nested at most {_DEEPEST} deep, was deeper")
            self._depth = int(depths[-1])
        return piece


def _nesting() -> NDArray[np.int32]:
    """Return the change of depth by each byte."""
    nesting = np.zeros(256, np.int32)
    nesting[list(b"[{")], nesting[list(b"]}")] = 1, -1
    return nesting


_NESTING = _nesting()


def _watched(
    rows: Iterator[object], raw: IO[bytes], size: int, progress: Progress
) -> Iterator[object]:
    for number, row in enumerate(rows):
        if number % _TOLD_EVERY == 0:
            progress(raw.tell(), size)
        yield row
    progress(size, size)
