"""One option in a list of instruments of any format, and its contradictions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from angel_x.domain.contracts.contract import MONTHS, Right, strike_text
from angel_x.domain.contracts.scrip_cells import FieldFault
from angel_x.errors import InvalidInput

if TYPE_CHECKING:
    from angel_x.domain.contracts.contract_rules import ContractRules

NSE, BSE = "NSE", "BSE"
#: Paise of a rupee: a tick divides it or is a multiple of it.
_RUPEE = 100
#: Paise.  Contracts are introduced at lakhs of rupees (SEBI); one of less has another lot or strike.
_LEAST_VALUE = 50_000 * _RUPEE
#: The part of a symbol between name and strike: 25AUG26 of Angel One, 26AUG and 26825 of the exchange.
_PERIOD = re.compile(r"(?:(\d{2}[A-Z]{3}\d{2})|\d{2}[A-Z]{3}|\d{2}[1-9OND]\d{2})\Z", re.ASCII)


class Columns(NamedTuple):
    """The names of fields in a format, for errors."""

    strike: str
    lot: str
    tick: str
    expiry: str
    symbol: str
    freeze: str = ""
    strike_unit: str = "rupees"


class OptionRow(NamedTuple):
    """The terms of an option as a row has them."""

    exchange: str
    underlying: str
    expiry: date
    #: Paise.
    strike: int
    right: Right
    #: Units.
    lot: int
    #: Paise.
    tick: int
    #: Units; None where the row gives none.
    freeze: int | None
    symbol: str


def check_symbol(row: OptionRow, columns: Columns, given: Mapping[str, object]) -> None:
    """Refuse a strike or an expiry that a symbol such as ``NIFTY25AUG2624200CE`` contradicts.

    Raises:
        FieldFault: With the column and the value.
    """
    whole, _, decimals = row.symbol[: -len(row.right)].partition(".")
    body = ".".join(filter(None, (whole, decimals.rstrip("0"))))
    strike = strike_text(row.strike)
    period = _PERIOD.search(body[: -len(strike)]) if body.endswith(strike) else None
    if period is None:
        raise strike_fault(row, columns, given)
    if period[1] is not None and period[1] != written_day(row.expiry):
        rule = f"must be the expiry of the symbol {row.symbol}"
        raise FieldFault(columns.expiry, rule, given[columns.expiry])


def strike_fault(row: OptionRow, columns: Columns, given: Mapping[str, object]) -> FieldFault:
    """Return the fault of a strike that is not that of the symbol."""
    rule = f"must be the strike of the symbol {row.symbol} in {columns.strike_unit}"
    return FieldFault(columns.strike, rule, given[columns.strike])


def check_terms(
    row: OptionRow, columns: Columns, given: Mapping[str, object], rules: ContractRules
) -> None:
    """Refuse a lot and a tick that contradict each other or the exchange.

    Raises:
        FieldFault: With the column, the value and the expected value.
    """
    usual = _usual(row, rules)
    if usual is not None and (row.tick, row.lot) == usual:
        rule = f"must be {usual[0]} with a tick of {usual[1]} paise: lot and tick are swapped"
        raise FieldFault(columns.lot, rule, given[columns.lot])
    if _RUPEE % row.tick and row.tick % _RUPEE:
        rule = "must be paise that divide a rupee or whole rupees: lot and tick may be swapped"
        raise FieldFault(columns.tick, rule, given[columns.tick])
    if row.lot * row.strike < _LEAST_VALUE:
        least = _LEAST_VALUE // _RUPEE
        rule = f"times a strike of {strike_text(row.strike)} rupees must be at least {least} rupees"
        raise FieldFault(columns.lot, rule, given[columns.lot])


def paise_of(rupees: Decimal) -> int | None:
    """Return rupees as whole paise, None where they are none above zero."""
    paise = rupees.scaleb(2) if rupees.is_finite() and rupees < Decimal(10) ** 9 else Decimal(0)
    return int(paise) if paise > 0 and paise == int(paise) else None


def _usual(row: OptionRow, rules: ContractRules) -> tuple[int, int] | None:
    """Return lot and tick of an index by the tables."""
    try:
        lot = rules.lot_size(row.underlying, row.expiry)
    except InvalidInput:
        return None
    return lot, int(rules.tick_size.scaleb(2))


def written_day(day: date) -> str:
    """Return a day as Angel One's symbols have it, such as ``25AUG26``."""
    return f"{day.day:02d}{MONTHS[day.month - 1]}{day.year % 100:02d}"
