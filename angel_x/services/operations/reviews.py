"""Weekly and monthly reviews: measured, compared with the one before, and stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Protocol

from angel_x.domain.calendar.session import IST
from angel_x.domain.operations.review import (
    Load,
    Review,
    ReviewedStatement,
    ReviewedTable,
    ReviewKind,
    UnusedIndex,
    hints,
    slower,
)
from angel_x.errors import StatisticsMissing
from angel_x.services.ports import Clock

_ROUNDS = 9
_MILLISECONDS = 1000


class ReviewStore(Protocol):
    """The stored reviews."""

    def add(self, review: Review) -> None: ...
    def newest(self, kind: ReviewKind | None, limit: int) -> Sequence[Review]:
        """Return the reviews of a kind, or of all, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviews:
    """Writes and reads reviews."""

    store: ReviewStore
    statements: Callable[[], Sequence[ReviewedStatement]]
    tables: Callable[[], tuple[Sequence[ReviewedTable], Sequence[UnusedIndex]]]
    #: Actions that are timed, by name.
    actions: Mapping[str, Callable[[], object]]
    #: Returns the medians of all that the processes time, in milliseconds.
    timings: Callable[[], Mapping[str, float]]
    load: Callable[[], Load]
    clock: Clock

    def write_due(self) -> list[Review]:
        """Write the reviews whose week or month has begun; a second call on a day writes none."""
        today = self.clock().astimezone(IST).date()
        last = {kind: next(iter(self.store.newest(kind, 1)), None) for kind in ReviewKind}
        return [
            self.write(kind)
            for kind, review in last.items()
            if kind.is_due(review.at.astimezone(IST).date() if review else None, today)
        ]

    def write(self, kind: ReviewKind) -> Review:
        """Measure and store a review of now, compared with the last one of its kind."""
        before = next(iter(self.store.newest(kind, 1)), None)
        advice = list(hints(self.load()))
        try:
            statements = tuple(self.statements())
        except StatisticsMissing as missing:
            statements = ()
            advice.append(str(missing))
        tables, unused = self.tables()
        times = self._times()
        review = Review(
            kind=kind,
            at=self.clock(),
            statements=statements,
            tables=tuple(tables),
            unused_indexes=tuple(unused),
            times_ms=times,
            slower=slower(before.times_ms if before else {}, times),
            hints=tuple(advice),
        )
        self.store.add(review)
        return review

    def newest(self, kind: ReviewKind | None = None, limit: int = 10) -> Sequence[Review]:
        """Return the reviews of a kind, or of all, the newest first."""
        return self.store.newest(kind, limit)

    def _times(self) -> dict[str, float]:
        measured = {name: self._timed(action) for name, action in self.actions.items()}
        return {**self.timings(), **measured}

    def _timed(self, action: Callable[[], object]) -> float:
        action()
        return round(median(_milliseconds(action) for _ in range(_ROUNDS)), 3)


def _milliseconds(action: Callable[[], object]) -> float:
    started = perf_counter()
    action()
    return _MILLISECONDS * (perf_counter() - started)
