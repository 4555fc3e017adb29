"""The parser of opening positions and cash: CSV with one row for each position, and one for cash.

Columns: ``symbol``, ``product`` (NRML or MIS, NRML where it is empty), ``quantity`` in units, negative
where they are short, and ``average_price``.  The row of cash has the symbol ``CASH`` and its amount in
``average_price``; its other cells are empty.  A file is taken as a whole or refused as a whole.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

from angel_x.domain.book.opening import Opening, OpeningBook
from angel_x.domain.orders.order import Product
from angel_x.domain.values.money import ZERO
from angel_x.errors import InvalidOpenings

COLUMNS = ("symbol", "product", "quantity", "average_price")
CASH = "CASH"
_UNITS = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)
_RUPEES = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2}0*)?", re.ASCII)
#: Rupees that a price may be, as in an order.
_MOST_PRICE = Decimal(10_000_000)
_HEADER = 1


def parse_openings(lines: Iterable[str], file: str) -> OpeningBook:
    """Return the positions and the cash in ``lines``, which begin with the header.

    Raises:
        InvalidOpenings: With row, field and value of the first fault.
    """
    rows = csv.DictReader(lines, strict=True)
    names = [name.strip() for name in rows.fieldnames or ()]
    if sorted(names) != sorted(COLUMNS):
        shown = ", ".join(names) or "nothing"
        raise InvalidOpenings(file, _HEADER, "(header)", f"must be {', '.join(COLUMNS)}", shown)
    positions: list[Opening] = []
    cash: Decimal | None = None
    for row, cells in _cells(rows, file):
        if cells["symbol"] != CASH:
            positions.append(_position(file, row, cells))
        elif cash is not None:
            raise InvalidOpenings(file, row, "symbol", "cash must come once", CASH)
        else:
            cash = _cash(file, row, cells)
    _check_once(file, positions)
    if not positions and cash is None:
        raise InvalidOpenings(file, _HEADER, "(file)", "must hold a position or cash", "no row")
    return OpeningBook(tuple(positions), cash or ZERO)


def _cells(rows: csv.DictReader[str], file: str) -> Iterator[tuple[int, dict[str, str]]]:
    for row in rows:
        number = rows.line_num
        if None in row or None in row.values():
            raise InvalidOpenings(
                file, number, "(row)", f"must have {len(COLUMNS)} cells", str(list(row.values()))
            )
        yield number, {name.strip(): cell.strip() for name, cell in row.items()}


def _position(file: str, row: int, cells: dict[str, str]) -> Opening:
    product, units = cells["product"] or Product.NORMAL.value, cells["quantity"]
    if product not in set(Product):
        raise InvalidOpenings(file, row, "product", f"must be {' or '.join(Product)}", product)
    if _UNITS.fullmatch(units) is None or not int(units):
        raise InvalidOpenings(file, row, "quantity", "must be whole units, not zero", repr(units))
    return Opening(
        row,
        cells["symbol"],
        Product(product),
        int(units),
        _price(file, row, cells["average_price"]),
    )


def _price(file: str, row: int, text: str) -> Decimal:
    price = Decimal(text) if _RUPEES.fullmatch(text) else ZERO
    if not 0 < price <= _MOST_PRICE:
        rule = f"must be rupees to the paisa, above 0 and at most {_MOST_PRICE}"
        raise InvalidOpenings(file, row, "average_price", rule, repr(text))
    return price.quantize(ZERO)


def _cash(file: str, row: int, cells: dict[str, str]) -> Decimal:
    for field in ("product", "quantity"):
        if cells[field]:
            raise InvalidOpenings(file, row, field, "must be empty for cash", cells[field])
    text = cells["average_price"]
    if _RUPEES.fullmatch(text) is None:
        rule = "must be rupees to the paisa, at least 0"
        raise InvalidOpenings(file, row, "average_price", rule, repr(text))
    return Decimal(text).quantize(ZERO)


def _check_once(file: str, positions: Iterable[Opening]) -> None:
    seen: set[tuple[str, Product]] = set()
    for each in positions:
        if (each.symbol, each.product) in seen:
            rule = "contract and product must come once"
            raise InvalidOpenings(file, each.row, "symbol", rule, each.symbol)
        seen.add((each.symbol, each.product))
