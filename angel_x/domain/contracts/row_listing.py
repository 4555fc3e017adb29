"""Lists of instruments: options and futures on indices become contracts, all other rows are counted.

Lot, tick and freeze quantity come from the list, which is published every day.  A missing freeze
quantity is taken from the exchange's table, and is one lot where the table has none: smaller orders
than necessary are always allowed.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.contracts.contract_file import ContractFile
from angel_x.domain.contracts.future_row import FutureRow
from angel_x.domain.contracts.listed_chain import ListedChain, Term, epoch_microseconds, kind_of
from angel_x.domain.contracts.option_row import BSE, NSE, Columns, OptionRow, check_terms
from angel_x.domain.contracts.scrip_cells import FieldFault
from angel_x.domain.contracts.universe import Universe
from angel_x.errors import InvalidInput, InvalidScripMaster

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.calendar.session import TradingCalendar
    from angel_x.domain.contracts.contract_rules import ContractRules

#: The kinds of skipped rows.
OTHER, FUTURES, EXPIRED = "other_instruments", "futures", "expired"
_TWICE = "on_two_exchanges"

#: One row, by the names of its fields.
Row = Mapping[str, object]
#: The chain of a row: exchange, underlying, expiry.
_Key = tuple[str, str, date]


@dataclass(frozen=True, slots=True)
class InstrumentFormat:
    """A format of lists, known by the fields of its rows."""

    name: str
    marks: frozenset[str]
    columns: Columns
    #: Returns the contract of a row, or the kind of a row that is none.
    read: Callable[[Row], OptionRow | FutureRow | str]


def parse_rows(
    rows: Iterable[object],
    file: str,
    chosen: InstrumentFormat,
    rules: ContractRules,
    calendar: TradingCalendar,
    trading_day: date,
    *,
    first_row: int = 1,
) -> ContractFile:
    """Return the contracts listed on a trading day.  The rows are read once and none is kept.

    Skipped are ``futures`` on stocks, ``expired`` contracts, ``other_instruments``, and contracts that
    are ``on_two_exchanges``: of a chain that both exchanges list, that of NSE is kept.  ``file`` is the
    name in errors.

    Raises:
        InvalidScripMaster: With the row, counted from ``first_row``, and the field.
    """
    listing = _Listing(chosen, rules, calendar, trading_day)
    number = first_row - 1
    try:
        for number, row in enumerate(rows, first_row):
            listing.add(number, row)
        return listing.finish()
    except FieldFault as fault:
        raise InvalidScripMaster(file, max(1, number), fault.field, str(fault)) from fault
    except _Again as again:
        field = chosen.columns.symbol
        raise InvalidScripMaster(file, again.row, field, str(again)) from again


class _Again(Exception):
    """A contract that repeats an earlier row."""

    def __init__(self, row: int, earlier: int) -> None:
        super().__init__(f"must name a contract once, is that of row {earlier}")
        self.row = row


class _Listing:
    """The contracts and counts of the rows so far."""

    def __init__(
        self,
        chosen: InstrumentFormat,
        rules: ContractRules,
        calendar: TradingCalendar,
        trading_day: date,
    ) -> None:
        self._format = chosen
        self._rules = rules
        self._calendar = calendar
        self._trading_day = trading_day
        #: The terms of each contract and the number of its row, one after the other.
        self._chains: dict[_Key, array[int]] = {}
        self._passed_over: Counter[str] = Counter()
        self._without_freeze = 0

    def add(self, number: int, row: object) -> None:
        """Read one row."""
        if not isinstance(row, Mapping):
            raise FieldFault("(any)", "must be an object", row)
        found = self._format.read(row)
        if isinstance(found, str):
            self._passed_over[found] += 1
        elif found.expiry < self._trading_day:
            self._passed_over[EXPIRED] += 1
        elif isinstance(found, FutureRow) and not self._rules.is_index(found.underlying):
            self._passed_over[FUTURES] += 1
        else:
            if isinstance(found, OptionRow):
                check_terms(found, self._format.columns, row, self._rules)
            key = found.exchange, found.underlying, found.expiry
            terms = self._terms(found)
            self._chains.setdefault(key, array("q")).extend((*terms, number))

    def finish(self) -> ContractFile:
        """Return all rows as a universe."""
        chains = []
        for (exchange, underlying, expiry), numbers in self._chains.items():
            terms = np.frombuffer(numbers, np.int64).reshape(-1, len(Term) + 1)
            if exchange == BSE and (NSE, underlying, expiry) in self._chains:
                self._passed_over[_TWICE] += len(terms)
                continue
            _check_once(terms)
            chains.append(ListedChain(underlying, expiry, terms[:, : len(Term)]))
        universe = Universe(chains=chains)
        if not universe.option_count:
            rule = (
                f"must hold an option that has not expired by {self._trading_day}, the market's day"
            )
            raise FieldFault("(any)", rule, self._described(len(universe)))
        return ContractFile(universe, dict(self._passed_over), self._without_freeze)

    def _described(self, futures: int) -> str:
        kinds = self._passed_over + Counter({FUTURES: futures})
        counts = (f"{rows} {kind.replace('_', ' ')}" for kind, rows in kinds.items())
        return ", ".join(counts) or "none"

    def _terms(self, row: OptionRow | FutureRow) -> tuple[int, ...]:
        """Return the terms of a contract, in the order of :class:`Term`."""
        return (
            row.strike if isinstance(row, OptionRow) else 0,
            kind_of(row.right if isinstance(row, OptionRow) else None),
            row.lot,
            row.tick,
            self._freeze_quantity(row),
            epoch_microseconds(self._calendar.expires_at(row.expiry)),
        )

    def _freeze_quantity(self, row: OptionRow | FutureRow) -> int:
        lot, freeze = row.lot, row.freeze
        if freeze is not None:
            if freeze < lot:
                rule = f"must be at least the lot of {lot}"
                raise FieldFault(self._format.columns.freeze, rule, freeze)
            return freeze
        try:
            return max(lot, self._rules.freeze_quantity(row.underlying, self._trading_day))
        except InvalidInput:
            self._without_freeze += 1
            return lot


def _check_once(terms: NDArray[np.int64]) -> None:
    """Refuse a second row of the same strike and right."""
    row = terms[:, -1]
    order = np.lexsort((row, terms[:, Term.KIND], terms[:, Term.STRIKE]))
    ordered = terms[order]
    same = (np.diff(ordered[:, : Term.KIND + 1], axis=0) == 0).all(axis=1)
    if same.any():
        first = int(same.argmax())
        raise _Again(int(ordered[first + 1, -1]), int(ordered[first, -1]))
