"""Contract notes: trades and settlements of an account on a day, with charges by item."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.records.contract_note import ContractNote, DayRows, write_note
from angel_x.errors import UnknownDay

#: Returns the stored fills and settlements of an account and a day of the market.
ReadDayRows = Callable[[int, date], DayRows]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractNotes:
    """Writes contract notes.  A day without trades has an empty one."""

    read_rows: ReadDayRows
    names: Callable[[list[int]], dict[int, str]]
    tariff: Callable[[], Tariff]

    def of(self, user_id: int, day: date) -> ContractNote:
        """Return the contract note of an account for a day of the market.

        Raises:
            UnknownDay: No charges are known for the day.
        """
        rows = self.read_rows(user_id, day)
        try:
            return write_note(self.names([user_id])[user_id], day, rows, self.tariff())
        except LookupError as error:
            raise UnknownDay(f"no charges are known on {day}") from error
