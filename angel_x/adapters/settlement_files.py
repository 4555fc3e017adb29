"""Files of final settlement prices, plain or compressed with gzip."""

from __future__ import annotations

import csv
import gzip
import zlib
from decimal import Decimal
from typing import TYPE_CHECKING

from angel_x.adapters.text_files import open_text
from angel_x.domain.book.settlement import Expiry
from angel_x.domain.book.settlement_file import parse_settlement_prices
from angel_x.errors import InvalidSettlementFile

if TYPE_CHECKING:
    from pathlib import Path


def read_settlement_prices(path: Path) -> dict[Expiry, Decimal]:
    """Return the closing values in a file.

    Raises:
        InvalidSettlementFile: With the file, the row and the column of the first fault.
        OSError: The file cannot be opened.
    """
    with open_text(path) as file:
        try:
            return parse_settlement_prices(file, path.name)
        except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError, csv.Error) as error:
            raise InvalidSettlementFile(path.name, 1, "(any)", f"is no text: {error}") from error
