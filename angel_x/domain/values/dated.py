"""Rules by date: the latest row that starts on or before a day applies to it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import date
from typing import Generic, TypeVar

Rule = TypeVar("Rule")


class Dated(Generic[Rule]):
    """A rule by date."""

    def __init__(self, rows: Iterable[tuple[date, Rule]]) -> None:
        ordered = sorted(rows, key=lambda row: row[0])
        self._dates = [since for since, _ in ordered]
        self._rules = [rule for _, rule in ordered]

    def on(self, day: date) -> Rule:
        """Return the rule of a day.

        Raises:
            LookupError: The day is before the first row.
        """
        position = bisect_right(self._dates, day)
        if position == 0:
            raise LookupError(f"no rule is known for {day.isoformat()}")
        return self._rules[position - 1]


class Following(Dated[Rule]):
    """The rules of a table that may be replaced."""

    def __init__(self, source: Callable[[], Dated[Rule]]) -> None:
        super().__init__(())
        self._source = source

    def on(self, day: date) -> Rule:
        return self._source().on(day)
