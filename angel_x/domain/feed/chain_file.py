"""The parser of recorded option chains: from lines of text to snapshots.

A recording has neither bid nor ask, so a quote gets the nearest tick on either side of its last price (no
bid where that would be zero) and the freeze quantity as size.  Volume and open interest are
recorded in lots and converted to units.  A row whose option type is FUT, with a strike of 0, is that
of a future.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import FUTURE
from angel_x.domain.contracts.contract_rules import ContractFactory, ContractRules, underlying_name
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.feed import chain_cells
from angel_x.domain.feed.chain_cells import CellFault
from angel_x.domain.feed.day_file import DayFault, Days, read_days
from angel_x.domain.feed.day_rows import DayRow, at_opening
from angel_x.domain.feed.day_spots import spots_of
from angel_x.domain.feed.file_formats import KNOWN
from angel_x.domain.feed.market_move import MarketMove
from angel_x.domain.feed.replay import RecordedChain
from angel_x.domain.quotes.quote import QUOTE
from angel_x.domain.values.money import rupees
from angel_x.errors import InvalidChainFile, InvalidInput

if TYPE_CHECKING:
    from datetime import date, datetime

    from numpy.typing import NDArray

    from angel_x.domain.calendar.session import TradingCalendar
    from angel_x.domain.contracts.contract import Contract


class _Cells(NamedTuple):
    """The text of one row; the names are the columns that a file must have, in any order."""

    timestamp: str
    symbol: str
    expiry: str
    strike: str
    option_type: str
    spot: str
    ltp: str
    volume: str
    oi: str


#: The snapshot of a day's closing prices stands in the last minute of its session.
_BEFORE_CLOSE = timedelta(minutes=1)
COLUMNS = _Cells._fields
_FIRST_COLUMN = COLUMNS[0]


def parse_chain(
    lines: Iterable[str],
    file: str,
    rules: ContractRules,
    calendar: TradingCalendar,
    today: date | None = None,
    day: date | None = None,
) -> RecordedChain:
    """Return the recording in ``lines``, which begin with the header.

    Prices of days (bhavcopies, the website's option chain) are snapshots as well.  ``file`` is the
    name in errors, ``today`` the day of a file that has none.  Freeze quantities are those of the
    first row's day.  With ``day`` only that day is read, and prices of days make two snapshots: the
    opening prices at the opening, and the closing ones.

    Raises:
        InvalidChainFile: With the row, counted from one at the header, and the column.
    """
    table = csv.reader(lines, strict=True)
    recording = _Recording(rules, calendar, day)
    try:
        header = [name.strip() for name in next(table, [])]
        days = read_days(header, table, file, today)
        if days is not None:
            recording.add_days(days)
        else:
            columns = _Columns(header)
            for cells in table:
                if cells:
                    recording.add(columns.pick(cells))
        return recording.finish()
    except DayFault as fault:
        raise InvalidChainFile(file, fault.row, fault.column, str(fault)) from fault
    except CellFault as fault:
        row = max(1, table.line_num)
        raise InvalidChainFile(file, row, fault.column, str(fault)) from fault
    except csv.Error as error:
        detail = f"the row is no CSV: {error}"
        raise InvalidChainFile(file, table.line_num, _FIRST_COLUMN, detail) from error


class _Columns:
    """The positions of the columns, from the header."""

    def __init__(self, header: Sequence[str]) -> None:
        self._header = header
        if not any(self._header):
            raise CellFault(_FIRST_COLUMN, "is missing, the file is empty")
        if not {*COLUMNS} & {*self._header}:
            raise CellFault(_FIRST_COLUMN, f"is missing: a file {KNOWN}")
        for column in COLUMNS:
            if column not in self._header:
                raise CellFault(column, "is missing")
            if self._header.count(column) > 1:
                raise CellFault(column, "comes more than once in the header")
        self._take = itemgetter(*(self._header.index(column) for column in COLUMNS))

    def pick(self, cells: Sequence[str]) -> _Cells:
        """Return the required cells of one row."""
        if len(cells) < len(self._header):
            raise CellFault(self._header[len(cells)], "is missing, the row ends before it")
        if len(cells) > len(self._header):
            raise CellFault(self._header[-1], f"must be the last cell, was one of {len(cells)}")
        return _Cells(*self._take(cells))


class _Recording:
    """The rows so far; snapshots and contracts are numbered in order of appearance."""

    def __init__(self, rules: ContractRules, calendar: TradingCalendar, day: date | None) -> None:
        self._rules = rules
        self._calendar = calendar
        self._day = day
        self._snapshots: dict[str, int] = {}
        self._moments: list[datetime] = []
        self._contracts: dict[tuple[str, str, str, str], int] = {}
        self._listed: dict[Contract, int] = {}
        self._spots: dict[tuple[int, str], int] = {}
        self._seen: set[tuple[int, int]] = set()
        self._rows: list[tuple[int, int, int, int, int]] = []

    def add_days(self, rows: Days) -> None:
        """Read all rows of a file with the prices of days; contracts on stocks are left out."""
        known = [
            (n, row)
            for n, row in rows
            if self._rules.is_index(underlying_name(row.underlying))
            and self._day in {None, row.day}
        ]
        if self._day is not None:
            opened = [(n, at_opening(row)) for n, row in known if row.opening]
            self._add_rows(opened, self._opening)
        self._add_rows(known, self._closing)
        if not known and self._day is None:
            raise CellFault(
                "(any)", "must hold an option on an index of the market tables, was none"
            )

    def _add_rows(
        self, rows: Sequence[tuple[int, DayRow]], moment: Callable[[date], datetime]
    ) -> None:
        spots = spots_of(row for _, row in rows)
        for number, row in rows:
            spot = spots[row.day, row.underlying]
            if not spot:
                # A future that was not traded, of an underlying without options.
                continue
            try:
                self._add_day(row, spot, moment(row.day))
            except CellFault as fault:
                raise DayFault(number, fault) from fault

    def _opening(self, day: date) -> datetime:
        session = self._calendar.session(day)
        return self._closing(day) if session is None else session.opens_at

    def _closing(self, day: date) -> datetime:
        return self._calendar.expires_at(day) - _BEFORE_CLOSE

    def _add_day(self, row: DayRow, spot: int, at: datetime) -> None:
        try:
            lot = row.lot or self._rules.lot_size(underlying_name(row.underlying), row.expiry)
        except InvalidInput as error:
            raise CellFault("expiry", str(error)) from error
        units = 1 if row.in_lots else lot
        cells = _Cells(
            timestamp=f"{at.astimezone(IST):%Y%m%d%H%M}",
            symbol=row.underlying,
            expiry=f"{row.expiry:%d-%b-%Y}",
            strike=str(row.strike),
            option_type=row.right or FUTURE,
            spot=str(rupees(spot)),
            ltp=str(rupees(row.last)),
            volume=str(row.volume // units),
            oi=str(row.open_interest // units),
        )
        self.add(cells, lot)

    def add(self, cells: _Cells, lot: int | None = None) -> None:
        """Read one row; a lot of its own replaces that of the tables."""
        if self._day is not None and not cells.timestamp.startswith(f"{self._day:%Y%m%d}"):
            return
        snapshot = self._snapshot(cells.timestamp)
        contract = self._contract(cells, self._moments[snapshot], lot)
        if (snapshot, contract) in self._seen:
            repeated = f"{cells.expiry} {cells.strike} {cells.option_type}"
            raise CellFault("strike", f"comes twice at {cells.timestamp}, was {repeated}")
        self._seen.add((snapshot, contract))
        spot = chain_cells.price_paise("spot", cells.spot)
        if spot == 0:
            raise CellFault("spot", f"must be positive, was {cells.spot}")
        self._spots[snapshot, underlying_name(cells.symbol)] = spot
        last = chain_cells.price_paise("ltp", cells.ltp)
        volume = chain_cells.lots("volume", cells.volume)
        oi = chain_cells.lots("oi", cells.oi)
        self._rows.append((snapshot, contract, last, volume, oi))

    def finish(self) -> RecordedChain:
        """Return all rows as snapshots."""
        if not self._rows and self._day is not None:
            raise CellFault("(any)", f"must hold prices of {self._day}, was none")
        if not self._rows:
            raise CellFault(_FIRST_COLUMN, "has no value, the file holds a header only")
        universe = Universe(self._listed)
        if not universe.option_count:
            raise CellFault("(any)", f"must hold an option, was {len(universe)} futures")
        snapshot, contract, *columns = np.array(self._rows, np.int64).T
        row = np.array([universe.rows[c.symbol] for c in self._listed], np.int64)[contract]
        quotes = _quotes(universe, row, columns)
        return RecordedChain(universe, self._moves(universe, snapshot, row, quotes))

    def _snapshot(self, text: str) -> int:
        if (known := self._snapshots.get(text)) is not None:
            return known
        self._moments.append(chain_cells.moment(text))
        return self._snapshots.setdefault(text, len(self._snapshots))

    def _contract(self, cells: _Cells, at: datetime, lot: int | None) -> int:
        key = (cells.symbol, cells.expiry, cells.strike, cells.option_type)
        if (known := self._contracts.get(key)) is not None:
            return known
        made = self._make(cells, at)
        contract = made if lot is None else replace(made, lot_size=lot)
        return self._contracts.setdefault(key, self._listed.setdefault(contract, len(self._listed)))

    def _make(self, cells: _Cells, at: datetime) -> Contract:
        expiry = chain_cells.expiry(cells.expiry)
        if expiry < at.astimezone(IST).date():
            raise CellFault("expiry", f"must not lie before the timestamp, was {cells.expiry}")
        trading_day = self._moments[0].astimezone(IST).date()
        factory = ContractFactory(self._rules, self._calendar, trading_day)
        name = underlying_name(cells.symbol)
        try:
            if cells.option_type == FUTURE:
                chain_cells.no_strike(cells.strike)
                return factory.make_future(name, expiry)
            strike, right = chain_cells.strike(cells.strike), chain_cells.right(cells.option_type)
            return factory.make(name, expiry, strike, right)
        except InvalidInput as error:
            raise CellFault("symbol", str(error)) from error

    def _moves(
        self,
        universe: Universe,
        snapshot: NDArray[np.int64],
        row: NDArray[np.int64],
        quotes: NDArray[np.void],
    ) -> tuple[MarketMove, ...]:
        order = np.lexsort((row, snapshot))
        pieces = np.split(order, np.searchsorted(snapshot[order], range(1, len(self._moments))))
        spots = np.zeros(len(universe.underlyings), QUOTE)
        moves = []
        for number in sorted(range(len(pieces)), key=self._moments.__getitem__):
            for position, name in enumerate(universe.underlyings):
                # An underlying that is missing in a snapshot keeps its last spot.
                spots["last"][position] = self._spots.get((number, name), spots["last"][position])
            piece = pieces[number]
            moves.append(MarketMove(self._moments[number], row[piece], quotes[piece], spots.copy()))
        return tuple(moves)


def _quotes(
    universe: Universe, row: NDArray[np.int64], columns: Sequence[NDArray[np.int64]]
) -> NDArray[np.void]:
    last, volume, oi = columns
    tick, lot = universe.tick_paise[row], universe.lot_size[row]
    freeze = universe.freeze_quantity[row]
    quotes = np.zeros(len(row), QUOTE)
    quotes["last"] = last
    # An average or a rounded last price may lie between two ticks; a quote may not.
    quotes["bid"] = np.where(last > tick, (last - 1) // tick * tick, 0)
    quotes["ask"] = np.where(last > 0, (last // tick + 1) * tick, 0)
    quotes["bid_size"] = np.where(quotes["bid"] > 0, freeze, 0)
    quotes["ask_size"] = np.where(quotes["ask"] > 0, freeze, 0)
    quotes["volume"], quotes["oi"] = volume * lot, oi * lot
    return quotes
