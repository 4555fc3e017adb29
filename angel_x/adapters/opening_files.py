"""Files of opening positions and cash, plain or compressed with gzip."""

from __future__ import annotations

import csv
import gzip
import zlib
from typing import TYPE_CHECKING

from angel_x.adapters.text_files import open_text
from angel_x.domain.book.opening_file import parse_openings
from angel_x.errors import InvalidOpenings

if TYPE_CHECKING:
    from pathlib import Path

    from angel_x.domain.book.opening import OpeningBook


def read_openings(path: Path) -> OpeningBook:
    """Return the positions and the cash in a file.

    Raises:
        InvalidOpenings: With the file, the row, the field and the value of the first fault.
        OSError: The file cannot be opened.
    """
    with open_text(path) as file:
        try:
            return parse_openings(file, path.name)
        except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError, csv.Error) as error:
            raise InvalidOpenings(path.name, 1, "(file)", "must be CSV", str(error)) from error
