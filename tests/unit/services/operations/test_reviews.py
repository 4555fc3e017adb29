from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import pytest

from angel_x.domain.operations.review import (
    Change,
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
from angel_x.services.operations.reviews import Reviews

WEEKLY, MONTHLY = ReviewKind.WEEKLY, ReviewKind.MONTHLY
QUIET = Load(
    waits_ms={"orders.normal": 5.0},
    connections=40,
    max_connections=200,
    largest_mb=120.0,
    memory_threshold_mb=500.0,
)
TABLE = ReviewedTable("orders", 1000, 300, 10)
INDEX = UnusedIndex("idx_of_none", "orders", 100)


@dataclass
class Store:
    kept: list[Review] = field(default_factory=list)

    def add(self, review: Review) -> None:
        self.kept.append(review)

    def newest(self, kind: ReviewKind | None, limit: int) -> Sequence[Review]:
        found = [review for review in reversed(self.kept) if kind in {None, review.kind}]
        return found[:limit]


@dataclass
class World:
    """A system whose clock and times the test moves."""

    now: datetime = datetime(2026, 11, 30, 1, 30, tzinfo=UTC)
    store: Store = field(default_factory=Store)
    times: dict[str, float] = field(default_factory=lambda: {"order_processing": 4.0})
    has_statistics: bool = True
    actions: int = 0

    def reviews(self) -> Reviews:
        return Reviews(
            store=self.store,
            statements=self.statements,
            tables=lambda: ([TABLE], [INDEX]),
            actions={"commit": self.act},
            timings=lambda: self.times,
            load=lambda: QUIET,
            clock=lambda: self.now,
        )

    def statements(self) -> list[ReviewedStatement]:
        if not self.has_statistics:
            raise StatisticsMissing("pg_stat_statements is not loaded")
        return [ReviewedStatement("SELECT 1", 7, 0.5, 3.5)]

    def act(self) -> None:
        self.actions += 1


def test_a_review_holds_all_that_was_measured_and_is_stored() -> None:
    world = World()

    review = world.reviews().write(WEEKLY)

    assert world.store.kept == [review]
    assert (review.tables, review.unused_indexes) == ((TABLE,), (INDEX,))
    assert review.statements[0].calls == 7
    assert review.times_ms.keys() == {"commit", "order_processing"}
    assert world.actions == 10
    assert (review.slower, review.hints) == ((), ())


def test_the_next_review_of_the_kind_names_the_times_that_have_grown() -> None:
    world = World()
    world.reviews().write(WEEKLY)
    world.times = {"order_processing": 9.0, "greeks_refresh": 100.0}

    assert world.reviews().write(MONTHLY).slower == ()
    assert world.reviews().write(WEEKLY).slower == (Change("order_processing", 4.0, 9.0),)


def test_missing_statistics_are_a_hint_and_stop_no_review() -> None:
    review = World(has_statistics=False).reviews().write(WEEKLY)

    assert review.statements == ()
    assert review.hints == ("pg_stat_statements is not loaded",)


def test_each_kind_is_written_once_in_its_week_or_month() -> None:
    world = World()

    first = [review.kind for review in world.reviews().write_due()]
    again = world.reviews().write_due()
    # Tuesday of the same week, and a new month.
    world.now = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)
    month = [review.kind for review in world.reviews().write_due()]
    world.now = datetime(2026, 12, 7, 1, 30, tzinfo=UTC)
    week = [review.kind for review in world.reviews().write_due()]

    assert (first, again, month, week) == ([WEEKLY, MONTHLY], [], [MONTHLY], [WEEKLY])
    assert [review.kind for review in world.reviews().newest(limit=2)] == [WEEKLY, MONTHLY]


@pytest.mark.parametrize(
    ("kind", "last", "today", "is_due"),
    [
        (WEEKLY, None, date(2026, 12, 2), True),
        (WEEKLY, date(2026, 11, 30), date(2026, 12, 6), False),
        (WEEKLY, date(2026, 12, 6), date(2026, 12, 7), True),
        (WEEKLY, date(2026, 12, 31), date(2027, 1, 1), False),
        (MONTHLY, date(2026, 11, 30), date(2026, 12, 1), True),
        (MONTHLY, date(2026, 12, 1), date(2026, 12, 31), False),
        (MONTHLY, date(2026, 12, 31), date(2027, 1, 1), True),
    ],
)
def test_a_review_is_due_where_its_week_or_month_has_ended(
    kind: ReviewKind, last: date | None, today: date, *, is_due: bool
) -> None:
    assert kind.is_due(last, today) is is_due


def test_only_a_growth_beyond_noise_is_named_and_the_worst_comes_first() -> None:
    before = {"a": 10.0, "b": 10.0, "c": 0.1, "d": 10.0}

    found = slower(before, {"a": 16.0, "b": 40.0, "c": 1.0, "d": 15.0, "new": 99.0})

    assert found == (Change("b", 10.0, 40.0), Change("a", 10.0, 16.0))


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (replace(QUIET, waits_ms={"orders.low": 1500.0}), "1,500 ms on orders.low"),
        (replace(QUIET, connections=161), "161 of 200 connections"),
        (replace(QUIET, largest_mb=401.0), "401 MB of the 500 MB"),
    ],
)
def test_a_load_that_pools_or_workers_do_not_fit_has_a_hint(load: Load, words: str) -> None:
    [hint] = hints(load)

    assert words in hint
    assert list(hints(QUIET)) == []
