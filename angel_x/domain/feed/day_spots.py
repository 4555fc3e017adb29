"""The spot of an underlying on a day, from the prices of its options where the file has none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from statistics import median

from angel_x.domain.contracts.contract import Right
from angel_x.domain.feed.day_rows import DayRow
from angel_x.domain.values.money import paise


def spots_of(rows: Iterable[DayRow]) -> dict[tuple[date, str], int]:
    """Return paise by day and underlying.

    Without a spot in the file it is strike + call - put where both are nearest to each other, of the
    nearest expiry (put-call parity), and the middle strike where no pair was traded.
    """
    groups: dict[tuple[date, str], list[DayRow]] = defaultdict(list)
    for row in rows:
        groups[row.day, row.underlying].append(row)
    return {key: _spot(group) for key, group in groups.items()}


def _spot(rows: list[DayRow]) -> int:
    given = next((row.spot for row in rows if row.spot), None)
    if given is not None:
        return given
    expiry = min(row.expiry for row in rows)
    last = {(row.strike, row.right): row.last for row in rows if row.expiry == expiry and row.last}
    pairs = [
        (abs(call - put), paise(strike) + call - put)
        for (strike, right), call in last.items()
        if right is Right.CALL and (put := last.get((strike, Right.PUT), 0))
    ]
    middle = int(median(paise(row.strike) for row in rows))
    return min(pairs, default=(0, middle))[1]
