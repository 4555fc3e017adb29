"""The parser of final settlement prices: own lists, and the files that exchanges publish.

Of an exchange's file only the rows of contracts on an index that expire on the day of the file count:
there the settlement price of a future, and the price of the underlying, is the closing value of the
index.  A file is taken as a whole or refused as a whole.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from angel_x.domain.book.settlement import Expiry
from angel_x.domain.contracts.contract_rules import underlying_name
from angel_x.errors import InvalidSettlementFile

_PRICE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,4})?")
_DATE_FORMATS = ("%Y-%m-%d", "%d-%b-%Y", "%d-%m-%Y")
_HEADER = 1


class _Format(NamedTuple):
    """The columns of one kind of file."""

    name: str
    underlying: str
    expiry: str
    price: str
    #: None where every row counts.
    day: str | None = None
    #: The column with the kind of instrument, and the kinds that count.
    kind: str | None = None
    kinds: frozenset[str] = frozenset()

    @property
    def columns(self) -> set[str]:
        return {c for c in (self.underlying, self.expiry, self.price, self.day, self.kind) if c}


FORMATS = (
    _Format("list of prices", "underlying", "expiry", "price"),
    _Format(
        "UDiFF bhavcopy", "TckrSymb", "XpryDt", "UndrlygPric",
        "TradDt", "FinInstrmTp", frozenset({"IDO", "IDF"}),
    ),
    _Format(
        "legacy bhavcopy", "SYMBOL", "EXPIRY_DT", "SETTLE_PR",
        "TIMESTAMP", "INSTRUMENT", frozenset({"FUTIDX"}),
    ),
    _Format(
        "settlement prices of NSE", "UNDERLYING", "EXPIRY DATE", "MTM SETTLEMENT PRICE",
        "DATE", "INSTRUMENT NAME", frozenset({"FUTIDX"}),
    ),
    _Format(
        "historical data of NSE", "SYMBOL", "EXPIRY", "SETTLE PRICE",
        "DATE", "INSTRUMENT_TYPE", frozenset({"FUTIDX", "OPTIDX"}),
    ),
)  # fmt: skip


def parse_settlement_prices(lines: Iterable[str], file: str) -> dict[Expiry, Decimal]:
    """Return the closing values of the expiries in ``lines``, which begin with the header.

    Raises:
        InvalidSettlementFile: With the row and the column of the first fault, or because no format is
            recognized or no contract of the file expires on its day.
    """
    rows = csv.DictReader(lines)
    names = {name.strip() for name in rows.fieldnames or ()}
    found = next((f for f in FORMATS if f.columns <= names), None)
    if found is None:
        known = "; ".join(f"{f.name}: {', '.join(sorted(f.columns))}" for f in FORMATS)
        raise InvalidSettlementFile(file, _HEADER, "(any)", f"known are {known}")
    prices: dict[Expiry, Decimal] = {}
    for number, expiry, price in _rows(rows, found, file):
        if prices.setdefault(expiry, price) != price:
            detail = f"must be {prices[expiry]} as in the rows before, was {price}"
            raise InvalidSettlementFile(file, number, found.price, detail)
    if not prices:
        raise InvalidSettlementFile(file, _HEADER, found.expiry, "no index contract expires here")
    return prices


def _rows(
    rows: csv.DictReader[str], form: _Format, file: str
) -> Iterator[tuple[int, Expiry, Decimal]]:
    for row in rows:
        cells = {(k or "").strip(): (v or "").strip() for k, v in row.items() if k is not None}
        number = rows.line_num
        if form.kind is not None and cells[form.kind] not in form.kinds:
            continue
        expiry = _date(cells, form.expiry, file, number)
        if form.day is not None and _date(cells, form.day, file, number) != expiry:
            continue
        name = underlying_name(cells[form.underlying])
        yield number, Expiry(name, expiry), _price(cells, form, file, number)


def _date(cells: Mapping[str, str], column: str, file: str, row: int) -> date:
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(cells[column], form).date()  # noqa: DTZ007 - a day
        except ValueError:
            continue
    detail = f"must be a day such as 2026-12-01 or 01-Dec-2026, was {cells[column]!r}"
    raise InvalidSettlementFile(file, row, column, detail)


def _price(cells: Mapping[str, str], form: _Format, file: str, row: int) -> Decimal:
    text = cells[form.price]
    price = Decimal(text) if _PRICE.fullmatch(text) else Decimal(0)
    if price <= 0 or price != price.quantize(Decimal("0.01")):
        detail = f"must be rupees above zero, to the paisa, was {text!r}"
        raise InvalidSettlementFile(file, row, form.price, detail)
    return price.quantize(Decimal("0.01"))
