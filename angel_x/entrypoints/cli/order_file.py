"""Orders in a file: the JSON of the API, or CSV with the same field names."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from angel_x.domain.orders.order import OrderRequest
from angel_x.errors import InvalidInput
from angel_x.services.intake import order_form

_STANDARD_INPUT = Path("-")


def read_orders(file: Path) -> tuple[OrderRequest, ...]:
    """Return the orders of a file, or of standard input for ``-``.

    Raises:
        InvalidInput: The file cannot be read, or is neither JSON nor CSV of orders.
        InvalidOrder: With every fault of every order.
    """
    return parse_orders(read_file(file))


def read_file(file: Path) -> bytes:
    """Return the content of a file, or of standard input for ``-``.

    Raises:
        InvalidInput: The file cannot be read.
    """
    try:
        return sys.stdin.buffer.read() if file == _STANDARD_INPUT else file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"the order file cannot be read: {error}") from error


def parse_orders(content: bytes) -> tuple[OrderRequest, ...]:
    """Return the orders of a file's content.

    A missing client order id is made from the digest of the content and the position of the order,
    so that the same content means the same orders.
    """
    name = f"file-{sha256(content).hexdigest()[:24]}"
    start = content.lstrip()[:1]
    if start == b"[":
        return order_form.decode(b'{"orders": ' + content + b"}", name)
    if start == b"{":
        return order_form.decode(content, name)
    return order_form.read({"orders": _rows(content)}, name)


_WHOLE = re.compile(r"-?[0-9]+")
_PRICES = frozenset({"price", "trigger_price"})


def _rows(content: bytes) -> list[dict[str, object]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("the order file must be UTF-8 text") from error
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        return [_row(header, cells) for cells in lines if cells]
    except csv.Error as error:
        raise InvalidInput(f"the order file is no CSV at line {lines.line_num}: {error}") from error


def _row(header: Sequence[str], cells: Sequence[str]) -> dict[str, object]:
    """Return the fields of one line; a cell without a column becomes an unknown field."""
    names = [*header, *(f"column {n + 1}" for n in range(len(header), len(cells)))]
    pairs = zip(names, cells, strict=False)
    return {name: _value(name, cell) for name, cell in pairs if cell.strip()}


def _value(name: str, cell: str) -> object:
    # Text that is no number is kept, so that the fault shows it.
    if name == "quantity":
        return int(cell) if _WHOLE.fullmatch(cell) else cell
    return cell if name in _PRICES else cell.strip()
