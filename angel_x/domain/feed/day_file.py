"""Files with the prices of days as CSV: the format by the header, and the rows with their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from angel_x.domain.feed.chain_cells import CellFault
from angel_x.domain.feed.day_rows import (
    DAY_FORMATS,
    SITE_MARK,
    DayFormat,
    DayRow,
    site_name,
    site_rows,
)


class DayFault(CellFault):
    """A fault of a row that was read before."""

    def __init__(self, row: int, fault: CellFault) -> None:
        super().__init__(fault.column, str(fault))
        self.row = row


#: Rows with their numbers.
Days = Iterator[tuple[int, DayRow]]


def read_days(header: list[str], table: Any, file: str, today: date | None) -> Days | None:  # noqa: ANN401 - the type of a CSV reader has no public name
    """Return the rows of a file with the prices of days, None for another file."""
    if header[:1] == [SITE_MARK]:
        return _site_days(table, *site_name(file), today)
    chosen = next((each for each in DAY_FORMATS if each.marks <= {*header}), None)
    return None if chosen is None else _read_days(chosen, header, table)


def _site_days(table: Any, underlying: str, expiry: date, today: date | None) -> Days:  # noqa: ANN401 - as above
    next(table, None)
    for cells in table:
        if cells:
            for row in site_rows(cells, underlying, expiry, today or expiry):
                yield table.line_num, row


def _read_days(chosen: DayFormat, header: list[str], table: Any) -> Days:  # noqa: ANN401 - as above
    for cells in table:
        if len(cells) != len(header) and cells:
            detail = f"must be one of {len(header)} cells, was one of {len(cells)}"
            raise CellFault(header[-1] or header[0], detail)
        row = chosen.read(dict(zip(header, cells, strict=True))) if cells else None
        if row is not None:
            yield table.line_num, row
