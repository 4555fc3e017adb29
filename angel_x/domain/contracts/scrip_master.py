"""The scrip master: a broker's list of every instrument, whose options become contracts.

The options of NFO and BFO, on indices (OPTIDX) and on stocks (OPTSTK), are listed; all other rows are
skipped and counted.  Lot, tick and freeze quantity come from the master, which is published every
day.  A missing freeze quantity is taken from the exchange's table, and is one lot where the table has
none: smaller orders than necessary are always allowed.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.contracts import scrip_cells
from angel_x.domain.contracts.contract import Right
from angel_x.domain.contracts.contract_file import ContractFile
from angel_x.domain.contracts.listed_chain import ListedChain, Term, epoch_microseconds
from angel_x.domain.contracts.scrip_cells import FieldFault
from angel_x.domain.contracts.universe import Universe
from angel_x.errors import InvalidInput, InvalidScripMaster

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.calendar.session import TradingCalendar
    from angel_x.domain.contracts.contract_rules import ContractRules

_NSE, _BSE = "NFO", "BFO"
_OPTIONS = frozenset({"OPTIDX", "OPTSTK"})
_FUTURES = frozenset({"FUTIDX", "FUTSTK"})

#: The chain of a row: exchange segment, underlying, expiry.
_Key = tuple[str, str, date]


def parse_master(
    rows: Iterable[object],
    file: str,
    rules: ContractRules,
    calendar: TradingCalendar,
    trading_day: date,
) -> ContractFile:
    """Return the options listed on a trading day.  The rows are read once and none is kept.

    Skipped are ``futures``, ``expired`` options, ``other_instruments``, and options that are
    ``on_two_exchanges``: of a chain that both exchanges list, that of NSE is kept.  ``file`` is the
    name in errors.

    Raises:
        InvalidScripMaster: With the row, counted from one, and the field.
    """
    reading = _Reading(rules, calendar, trading_day)
    number = 0
    try:
        for number, row in enumerate(rows, 1):
            reading.add(number, row)
        return reading.finish()
    except FieldFault as fault:
        raise InvalidScripMaster(file, max(1, number), fault.field, str(fault)) from fault
    except _Again as again:
        raise InvalidScripMaster(file, again.row, "symbol", str(again)) from again


class _Again(Exception):
    """A contract that repeats an earlier row."""

    def __init__(self, row: int, earlier: int) -> None:
        super().__init__(f"must name a contract once, is that of row {earlier}")
        self.row = row


class _Reading:
    """The contracts and counts of the rows so far."""

    def __init__(self, rules: ContractRules, calendar: TradingCalendar, trading_day: date) -> None:
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
        segment = scrip_cells.text(row, "exch_seg")
        kind = scrip_cells.text(row, "instrumenttype")
        if segment not in {_NSE, _BSE} or kind not in _OPTIONS | _FUTURES:
            self._passed_over["other_instruments"] += 1
        elif kind in _FUTURES:
            self._passed_over["futures"] += 1
        elif (expiry := scrip_cells.expiry(row)) < self._trading_day:
            self._passed_over["expired"] += 1
        else:
            key = (segment, scrip_cells.underlying(row), expiry)
            terms = self._terms(row, key)
            self._chains.setdefault(key, array("q")).extend((*terms, number))

    def finish(self) -> ContractFile:
        """Return all rows as a universe."""
        chains = []
        for key, numbers in self._chains.items():
            segment, underlying, expiry = key
            terms = np.frombuffer(numbers, np.int64).reshape(-1, len(Term) + 1)
            if segment == _BSE and (_NSE, underlying, expiry) in self._chains:
                self._passed_over["on_two_exchanges"] += len(terms)
                continue
            _check_once(terms)
            chains.append(ListedChain(underlying, expiry, terms[:, : len(Term)]))
        if not chains:
            raise FieldFault("(any)", "must hold an option that has not expired", "none")
        return ContractFile(Universe(chains=chains), dict(self._passed_over), self._without_freeze)

    def _terms(self, row: Mapping[str, object], key: _Key) -> tuple[int, ...]:
        """Return the terms of an option, in the order of :class:`Term`."""
        _, underlying, expiry = key
        lot = scrip_cells.positive(row, "lotsize", "must be a whole number of units above 0")
        return (
            scrip_cells.positive(row, "strike", "must be whole paise above 0"),
            int(scrip_cells.right(row) is Right.PUT),
            lot,
            scrip_cells.tick_size(row),
            self._freeze_quantity(row, underlying, lot),
            epoch_microseconds(self._calendar.expires_at(expiry)),
        )

    def _freeze_quantity(self, row: Mapping[str, object], underlying: str, lot: int) -> int:
        freeze = scrip_cells.freeze_quantity(row)
        if freeze is not None:
            if freeze < lot:
                raise FieldFault("freeze_qty", f"must be at least the lot of {lot}", freeze)
            return freeze
        try:
            return max(lot, self._rules.freeze_quantity(underlying, self._trading_day))
        except InvalidInput:
            self._without_freeze += 1
            return lot


def _check_once(terms: NDArray[np.int64]) -> None:
    """Refuse a second row of the same strike and right."""
    row = terms[:, -1]
    order = np.lexsort((row, terms[:, Term.IS_PUT], terms[:, Term.STRIKE]))
    ordered = terms[order]
    same = (np.diff(ordered[:, : Term.IS_PUT + 1], axis=0) == 0).all(axis=1)
    if same.any():
        first = int(same.argmax())
        raise _Again(int(ordered[first + 1, -1]), int(ordered[first, -1]))
