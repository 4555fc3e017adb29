"""The spot of an underlying on a day, from the prices of its contracts where the file has none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from statistics import median

from angel_x.domain.contracts.contract import Right
from angel_x.domain.feed.day_rows import DayRow
from angel_x.domain.values.money import paise


def spots_of(rows: Iterable[DayRow]) -> dict[tuple[date, str], int]:
    """Return paise by day and underlying; zero where only futures are listed and none was traded.

    Without a spot in the file it is strike + call - put where both are nearest to each other, of the
    nearest expiry (put-call parity), the price of the nearest future where no pair was traded, and
    the middle strike where no future was traded either.
    """
    groups: dict[tuple[date, str], list[DayRow]] = defaultdict(list)
    for row in rows:
        groups[row.day, row.underlying].append(row)
    return {key: _spot(group) for key, group in groups.items()}


def _spot(rows: list[DayRow]) -> int:
    given = next((row.spot for row in rows if row.spot), None)
    if given is not None:
        return given
    futures = [row for row in rows if row.right is None and row.last]
    options = [row for row in rows if row.right is not None]
    return _by_parity(options) or _nearest(futures) or _middle(options)


def _by_parity(options: Sequence[DayRow]) -> int:
    """Return paise; zero where no pair of the nearest expiry was traded."""
    expiry = min((row.expiry for row in options), default=None)
    last = {(o.strike, o.right): o.last for o in options if o.expiry == expiry and o.last}
    pairs = [
        (abs(call - put), paise(strike) + call - put)
        for (strike, right), call in last.items()
        if right is Right.CALL and (put := last.get((strike, Right.PUT), 0))
    ]
    return min(pairs, default=(0, 0))[1]


def _nearest(futures: Sequence[DayRow]) -> int:
    """Return paise; zero where there is none."""
    return min(((row.expiry, row.last) for row in futures), default=(None, 0))[1]


def _middle(options: Sequence[DayRow]) -> int:
    return int(median(paise(row.strike) for row in options)) if options else 0
