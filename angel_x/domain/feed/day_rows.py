"""The rows of files with the prices of a day, as the exchange publishes them.

A bhavcopy has the closing prices of a day: its snapshot stands a minute before the close.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import Right
from angel_x.domain.feed import chain_cells
from angel_x.domain.feed.chain_cells import CellFault
from angel_x.domain.values.written_number import plain

#: One row, by the names of its columns.
Cells = Mapping[str, str]

_NAMED = re.compile(r"option-chain-[A-Z]+-([A-Z0-9&-]+)-(\d{2}-[A-Za-z]{3}-\d{4})\.csv", re.ASCII)
#: Separators of thousands and lakhs, as the website writes them.
_GROUPED = re.compile(r"\d{1,3}(?:,\d{2,3})*(?:\.\d+)?", re.ASCII)
_NOTHING = frozenset({"", "-"})
_INDEX_FUTURE = "FUTIDX"
_INDEX_KINDS = frozenset({"OPTIDX", _INDEX_FUTURE})


class DayRow(NamedTuple):
    """One option or future on one day."""

    day: date
    underlying: str
    expiry: date
    #: Rupees; zero for a future.
    strike: Decimal
    #: None for a future.
    right: Right | None
    #: Paise.
    last: int
    #: Units.
    volume: int
    open_interest: int
    #: Units; None where the file has none.
    lot: int | None = None
    #: Paise of the underlying; None where the file has none.
    spot: int | None = None
    #: Whether volume and open interest are lots.
    in_lots: bool = False
    #: Paise of the first trade; zero where there is none, or the file has none.
    opening: int = 0


def at_opening(row: DayRow) -> DayRow:
    """Return a row as it is at the opening; its spot follows from the pairs of opening prices."""
    return row._replace(last=row.opening, spot=None, volume=0)


@dataclass(frozen=True, slots=True)
class DayFormat:
    """A format, known by columns of its header."""

    name: str
    marks: frozenset[str]
    #: Returns the contract on an index of a row, None for a row of another instrument.
    read: Callable[[Cells], DayRow | None]


def site_rows(cells: list[str], underlying: str, expiry: date, day: date) -> Iterator[DayRow]:
    """Yield the call and the put of a strike from a row of the website's option chain.

    Calls stand to the left of the strike, puts mirrored to the right.
    """
    if len(cells) < _SITE_CELLS:
        raise CellFault("STRIKE", f"must be the cell {_STRIKE + 1} of {_SITE_CELLS}")
    strike = chain_cells.strike(_ungrouped("STRIKE", cells[_STRIKE]), "STRIKE")
    for right, sign in ((Right.CALL, -1), (Right.PUT, 1)):
        last, volume, interest = (
            _ungrouped(name, cells[_STRIKE + sign * away]) for name, away in _AWAY.items()
        )
        yield DayRow(
            day=day,
            underlying=underlying,
            expiry=expiry,
            strike=strike,
            right=right,
            last=chain_cells.price_paise("LTP", last),
            volume=chain_cells.lots("VOLUME", volume),
            open_interest=chain_cells.lots("OI", interest),
            in_lots=True,
        )


def site_name(file: str) -> tuple[str, date]:
    """Return underlying and expiry, which the website's file has in its name only.

    Raises:
        CellFault: The name has neither.
    """
    match = _NAMED.search(file)
    if match is None:
        detail = "must name underlying and expiry: option-chain-ED-NIFTY-25-Aug-2026.csv"
        raise CellFault("(file name)", f"{detail}, was {file}")
    return match[1], chain_cells.expiry(match[2], "(file name)")


#: The place of the strike in a row of the website, and the distances of other columns from it.
_STRIKE, _SITE_CELLS = 11, 22
_AWAY = {"LTP": 6, "VOLUME": 8, "OI": 10}


def _ungrouped(column: str, text: str) -> str:
    if text in _NOTHING:
        return "0"
    if _GROUPED.fullmatch(text) is None:
        raise CellFault(column, f"must be a number such as 1,24,200.50, was {text}")
    return text.replace(",", "")


def _terms(row: Cells, strike: str, right: str, *, is_future: bool) -> tuple[Decimal, Right | None]:
    """Return strike and right of a row, by the names of their columns; those of a future hold nothing."""
    if is_future:
        return Decimal(0), None
    return chain_cells.strike(row[strike], strike), chain_cells.right(row[right], right)


def _udiff(row: Cells) -> DayRow | None:
    if row["FinInstrmTp"] not in {"IDO", "IDF"}:
        return None
    strike, right = _terms(row, "StrkPric", "OptnTp", is_future=row["FinInstrmTp"] == "IDF")
    return DayRow(
        day=_iso("TradDt", row),
        underlying=row["TckrSymb"],
        expiry=_iso("XpryDt", row),
        strike=strike,
        right=right,
        last=chain_cells.price_paise("ClsPric", row["ClsPric"]),
        volume=chain_cells.lots("TtlTradgVol", row["TtlTradgVol"]),
        open_interest=chain_cells.lots("OpnIntrst", row["OpnIntrst"]),
        lot=_lot("NewBrdLotQty", row),
        spot=chain_cells.price_paise("UndrlygPric", row["UndrlygPric"] or "0") or None,
        opening=_opening("OpnPric", row),
    )


def _legacy(row: Cells) -> DayRow | None:
    if row["INSTRUMENT"] not in _INDEX_KINDS:
        return None
    is_future = row["INSTRUMENT"] == _INDEX_FUTURE
    strike, right = _terms(row, "STRIKE_PR", "OPTION_TYP", is_future=is_future)
    return DayRow(
        day=chain_cells.expiry(row["TIMESTAMP"], "TIMESTAMP"),
        underlying=row["SYMBOL"],
        expiry=chain_cells.expiry(row["EXPIRY_DT"], "EXPIRY_DT"),
        strike=strike,
        right=right,
        last=chain_cells.price_paise("CLOSE", row["CLOSE"]),
        volume=0,
        open_interest=chain_cells.lots("OPEN_INT", row["OPEN_INT"]),
        opening=_opening("OPEN", row),
    )


def _history(row: Cells) -> DayRow | None:
    if row["INSTRUMENT_TYPE"] not in _INDEX_KINDS:
        return None
    is_future = row["INSTRUMENT_TYPE"] == _INDEX_FUTURE
    strike, right = _terms(row, "STRIKE PRICE", "OPTION TYPE", is_future=is_future)
    day, expiry = _iso("DATE", row), _iso("EXPIRY", row)
    # On the day of expiry the settlement price is that of the index.
    settled = chain_cells.price_paise("SETTLE PRICE", row["SETTLE PRICE"])
    return DayRow(
        day=day,
        underlying=row["SYMBOL"],
        expiry=expiry,
        strike=strike,
        right=right,
        last=chain_cells.price_paise("CLOSE", row["CLOSE"]),
        volume=chain_cells.lots("TOTAL TRADED QUANTITY", row["TOTAL TRADED QUANTITY"]),
        open_interest=chain_cells.lots("OPEN INTEREST", row["OPEN INTEREST"]),
        lot=_lot("MARKET LOT", row),
        spot=settled if day == expiry else None,
        opening=_opening("OPEN", row),
    )


DAY_FORMATS = (
    DayFormat(
        "UDiFF bhavcopy of derivatives (CSV)",
        frozenset({
            "TradDt", "FinInstrmTp", "TckrSymb", "XpryDt", "StrkPric", "OptnTp", "ClsPric",
            "UndrlygPric", "OpnIntrst", "TtlTradgVol", "NewBrdLotQty",
        }),
        _udiff,
    ),
    DayFormat(
        "legacy bhavcopy of derivatives (CSV)",
        frozenset({
            "INSTRUMENT", "SYMBOL", "EXPIRY_DT", "STRIKE_PR", "OPTION_TYP", "CLOSE", "OPEN_INT",
            "TIMESTAMP",
        }),
        _legacy,
    ),
    DayFormat(
        "historical derivatives of NSE (CSV)",
        frozenset({
            "DATE", "EXPIRY", "OPTION TYPE", "STRIKE PRICE", "CLOSE", "SETTLE PRICE", "MARKET LOT",
            "TOTAL TRADED QUANTITY", "OPEN INTEREST", "SYMBOL", "INSTRUMENT_TYPE",
        }),
        _history,
    ),
)  # fmt: skip
#: The name of the format of :func:`site_rows`, and the beginning of its first line.
SITE_NAME, SITE_MARK = "option chain of NSE's website (CSV)", "CALLS"


def _iso(column: str, row: Cells) -> date:
    try:
        return datetime.strptime(str(plain(row[column])), "%Y-%m-%d").replace(tzinfo=IST).date()
    except ValueError as error:
        raise CellFault(column, f"must be a date such as 2026-08-25, was {row[column]}") from error


def _opening(column: str, row: Cells) -> int:
    return chain_cells.price_paise(column, row.get(column) or "0")


def _lot(column: str, row: Cells) -> int:
    lot = chain_cells.lots(column, row[column])
    if not lot:
        raise CellFault(column, f"must be above 0, was {row[column]}")
    return lot
