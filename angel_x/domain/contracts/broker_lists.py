"""The instrument lists of Kite, Dhan and Upstox."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts import scrip_cells
from angel_x.domain.contracts.contract import FUTURE, MONTHS, Right
from angel_x.domain.contracts.contract_rules import underlying_name
from angel_x.domain.contracts.future_row import FutureEnding, FutureRow, check_future
from angel_x.domain.contracts.option_row import (
    BSE,
    NSE,
    Columns,
    OptionRow,
    check_symbol,
    paise_of,
    strike_fault,
)
from angel_x.domain.contracts.row_listing import FUTURES, OTHER, InstrumentFormat, Row
from angel_x.domain.contracts.scrip_cells import FieldFault
from angel_x.domain.values.written_number import plain, written_decimal

_RIGHTS = frozenset(Right)
_KITE = Columns("strike", "lot_size", "tick_size", "expiry", "tradingsymbol")
_DHAN = Columns(
    "SEM_STRIKE_PRICE", "SEM_LOT_UNITS", "SEM_TICK_SIZE", "SEM_EXPIRY_DATE", "SEM_TRADING_SYMBOL"
)
_UPSTOX = Columns(
    "strike_price", "lot_size", "tick_size", "expiry", "trading_symbol", "freeze_quantity"
)
_KITE_FUTURES = {"NFO-FUT": NSE, "BFO-FUT": BSE}
_UNITS = "must be a whole number of units above 0"
_TICK = "must be whole paise above 0"
#: The letters of months that follow September in symbols with a day, as 26O13.
_LATE_MONTHS = "OND"
#: 26AUGFUT of a month, 26813FUT of a week.
_KITE_ENDING = FutureEnding(
    re.compile(r"(\d{2}(?:[A-Z]{3}|[1-9OND]\d{2}))FUT\Z", re.ASCII),
    "26AUGFUT",
    lambda day: (f"{day:%y}{_month(day)}", f"{day:%y}{_month_letter(day)}{day:%d}"),
)
_DHAN_ENDING = FutureEnding(
    re.compile(r"-([A-Z][a-z]{2}\d{4})-FUT\Z", re.ASCII),
    "-Aug2026-FUT",
    lambda day: (f"{_month(day).capitalize()}{day.year}",),
)
_UPSTOX_ENDING = FutureEnding(
    re.compile(r" FUT (\d{2} [A-Z]{3} \d{2})\Z", re.ASCII),
    "FUT 25 AUG 26",
    lambda day: (f"{day:%d} {_month(day)} {day:%y}",),
)


def _kite(row: Row) -> OptionRow | FutureRow | str:
    segment = scrip_cells.text(row, "segment")
    if segment in _KITE_FUTURES:
        return _kite_future(row, _KITE_FUTURES[segment])
    exchange = {"NFO-OPT": NSE, "BFO-OPT": BSE}.get(segment)
    if exchange is None:
        return OTHER
    option = OptionRow(
        exchange=exchange,
        underlying=_underlying("name", scrip_cells.text(row, "name")),
        expiry=_day(row, _KITE.expiry),
        strike=_paise(row, _KITE.strike),
        right=_right(row, "instrument_type"),
        lot=_whole(row, _KITE.lot, _UNITS),
        tick=_paise(row, _KITE.tick),
        freeze=None,
        symbol=scrip_cells.text(row, _KITE.symbol),
    )
    check_symbol(option, _KITE, row)
    return option


def _kite_future(row: Row, exchange: str) -> FutureRow:
    future = FutureRow(
        exchange=exchange,
        underlying=_underlying("name", scrip_cells.text(row, "name")),
        expiry=_day(row, _KITE.expiry),
        lot=_whole(row, _KITE.lot, _UNITS),
        tick=_paise(row, _KITE.tick),
        freeze=None,
        symbol=scrip_cells.text(row, _KITE.symbol),
    )
    check_future(future, _KITE, _KITE_ENDING, row)
    return future


def _dhan(row: Row) -> OptionRow | FutureRow | str:
    kind, exchange = scrip_cells.text(row, "SEM_INSTRUMENT_NAME"), row.get("SEM_EXM_EXCH_ID")
    if (
        row.get("SEM_SEGMENT") != "D"
        or exchange not in (NSE, BSE)
        or kind[:3] not in ("OPT", "FUT")
    ):
        return OTHER
    if kind.startswith("FUT"):
        return _dhan_future(row, str(exchange)) if kind == "FUTIDX" else FUTURES
    symbol = scrip_cells.text(row, _DHAN.symbol)
    # NIFTY-Aug2026-24200-CE; names may hold a hyphen themselves.
    name, *_, strike, _ = (*symbol.rsplit("-", 3), "", "")[:4]
    option = OptionRow(
        exchange=str(exchange),
        underlying=_underlying(_DHAN.symbol, name),
        expiry=_day(row, _DHAN.expiry),
        strike=_paise(row, _DHAN.strike),
        right=_right(row, "SEM_OPTION_TYPE"),
        lot=_whole(row, _DHAN.lot, _UNITS),
        tick=_whole(row, _DHAN.tick, _TICK),
        freeze=None,
        symbol=symbol,
    )
    _check_strike(option, strike, _DHAN, row)
    return option


def _dhan_future(row: Row, exchange: str) -> FutureRow:
    symbol = scrip_cells.text(row, _DHAN.symbol)
    future = FutureRow(
        exchange=exchange,
        underlying=_underlying(_DHAN.symbol, symbol.rsplit("-", 2)[0]),
        expiry=_day(row, _DHAN.expiry),
        lot=_whole(row, _DHAN.lot, _UNITS),
        tick=_whole(row, _DHAN.tick, _TICK),
        freeze=None,
        symbol=symbol,
    )
    check_future(future, _DHAN, _DHAN_ENDING, row)
    return future


def _upstox(row: Row) -> OptionRow | FutureRow | str:
    exchange = {"NSE_FO": NSE, "BSE_FO": BSE}.get(scrip_cells.text(row, "segment"))
    kind = scrip_cells.text(row, "instrument_type")
    if exchange is not None and kind == FUTURE:
        return _upstox_future(row, exchange)
    if exchange is None or kind not in _RIGHTS:
        return OTHER
    symbol = scrip_cells.text(row, _UPSTOX.symbol)
    option = OptionRow(
        exchange=exchange,
        underlying=_underlying("underlying_symbol", scrip_cells.text(row, "underlying_symbol")),
        expiry=_instant(row, _UPSTOX.expiry),
        strike=_paise(row, _UPSTOX.strike),
        right=Right(kind),
        lot=_whole(row, _UPSTOX.lot, _UNITS),
        tick=_whole(row, _UPSTOX.tick, _TICK),
        freeze=_upstox_freeze(row),
        symbol=symbol,
    )
    # NIFTY 24200 CE 01 SEP 26
    words = symbol.split()
    _check_strike(option, words[words.index(kind) - 1] if kind in words else "", _UPSTOX, row)
    return option


def _upstox_future(row: Row, exchange: str) -> FutureRow | str:
    if row.get("underlying_type") == "EQUITY":
        return FUTURES
    future = FutureRow(
        exchange=exchange,
        underlying=_underlying("underlying_symbol", scrip_cells.text(row, "underlying_symbol")),
        expiry=_instant(row, _UPSTOX.expiry),
        lot=_whole(row, _UPSTOX.lot, _UNITS),
        tick=_whole(row, _UPSTOX.tick, _TICK),
        freeze=_upstox_freeze(row),
        symbol=scrip_cells.text(row, _UPSTOX.symbol),
    )
    check_future(future, _UPSTOX, _UPSTOX_ENDING, row)
    return future


def _upstox_freeze(row: Row) -> int | None:
    return _whole(row, _UPSTOX.freeze, _UNITS) if row.get(_UPSTOX.freeze) else None


KITE = InstrumentFormat(
    "Kite instruments (CSV)", frozenset({"instrument_token", "tradingsymbol"}), _KITE, _kite
)
DHAN = InstrumentFormat(
    "Dhan scrip master (CSV)", frozenset({"SEM_EXM_EXCH_ID", "SEM_TRADING_SYMBOL"}), _DHAN, _dhan
)
UPSTOX = InstrumentFormat(
    "Upstox instruments (JSON)", frozenset({"instrument_key", "trading_symbol"}), _UPSTOX, _upstox
)


def _underlying(field: str, name: str) -> str:
    known = underlying_name(name)
    if not scrip_cells.is_name(known):
        raise FieldFault(field, scrip_cells.NAME_RULE, name)
    return known


def _month(day: date) -> str:
    return MONTHS[day.month - 1]


def _month_letter(day: date) -> str:
    """Return the month in a symbol with a day: 1 to 9, O, N or D."""
    late = day.month - 10
    return str(day.month) if late < 0 else _LATE_MONTHS[late]


def _number(row: Row, field: str, rule: str) -> Decimal:
    """Return a number, written as text or in JSON."""
    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise FieldFault(field, rule, "missing" if value is None else value)
    try:
        return written_decimal(str(value))
    except ValueError:
        raise FieldFault(field, rule, value) from None


def _whole(row: Row, field: str, rule: str) -> int:
    number = _number(row, field, rule)
    if not number.is_finite() or not 0 < number < 10**9 or number != int(number):
        raise FieldFault(field, rule, row.get(field))
    return int(number)


def _paise(row: Row, field: str) -> int:
    rule = "must be rupees above 0, no finer than a paisa"
    paise = paise_of(_number(row, field, rule))
    if paise is None:
        raise FieldFault(field, rule, row.get(field))
    return paise


def _right(row: Row, field: str) -> Right:
    value = scrip_cells.text(row, field)
    if value not in _RIGHTS:
        raise FieldFault(field, "must be CE or PE", value)
    return Right(value)


def _day(row: Row, field: str) -> date:
    """Return a date, with or without a time behind it."""
    value = scrip_cells.text(row, field)
    try:
        return date.fromisoformat(str(plain(value[:10])))
    except ValueError:
        raise FieldFault(field, "must be a date such as 2026-08-25", value) from None


def _instant(row: Row, field: str) -> date:
    """Return the day in India of milliseconds since the epoch."""
    rule = "must be milliseconds since 1970"
    milliseconds = _whole_long(row, field, rule)
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(IST).date()
    except (ValueError, OverflowError, OSError):
        raise FieldFault(field, rule, milliseconds) from None


def _whole_long(row: Row, field: str, rule: str) -> int:
    number = _number(row, field, rule)
    if not number.is_finite() or not 0 < number < 10**15:
        raise FieldFault(field, rule, row.get(field))
    return int(number)


def _check_strike(option: OptionRow, written: str, columns: Columns, row: Row) -> None:
    """Refuse a strike that differs from the one within the symbol."""
    try:
        agrees = paise_of(written_decimal(written)) == option.strike
    except ValueError:
        agrees = False
    if not agrees:
        raise strike_fault(option, columns, row)
