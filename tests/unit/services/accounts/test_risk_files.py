"""The risk file in force, and the days on which it counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count

import numpy as np
import pytest

from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.risk_file import RiskFile, RiskFileRecord
from angel_x.services.accounts.risk_files import RiskFiles
from tests.builders.markets import CALENDAR, ManualClock
from tests.builders.paper import CALL, PUT, Exchange
from tests.builders.risk import risk_array

FRIDAY, MONDAY, TUESDAY = date(2026, 8, 14), date(2026, 8, 17), date(2026, 8, 18)


def file(day: date = FRIDAY) -> RiskFile:
    array = risk_array(24_000, 24_000, 6 / 365, 0.065, 0.2, is_call=True)
    return RiskFile("a.spn", day, (CALL,), array.astype(np.float64)[:, None], {})


@dataclass
class MemoryRiskFiles:
    """Files in memory; the newest one is in force."""

    files: list[RiskFile | None] = field(default_factory=list)
    reads: int = 0

    def newest(self) -> int:
        return len(self.files)

    def get(self, number: int) -> RiskFile | None:
        self.reads += 1
        return self.files[number - 1]

    def record(self) -> RiskFileRecord | None:
        if not self.files:
            return None
        found, at = self.files[-1], datetime(2026, 8, 14, tzinfo=UTC)
        if found is None:
            return RiskFileRecord("", None, 0, "a", at)
        return RiskFileRecord(found.name, found.day, len(found.symbols), "a", at)

    def put(self, file: RiskFile, actor: str) -> None:
        self.files.append(file)

    def drop(self, actor: str) -> None:
        self.files.append(None)


def risk_files(store: MemoryRiskFiles, keep_seconds: float = 0.0) -> RiskFiles:
    ticks = count()
    return RiskFiles(
        store=store,
        calendar=CALENDAR,
        market_clock=ManualClock(datetime(2026, 8, 14, 7, tzinfo=UTC)),
        monotonic=lambda: float(next(ticks)),
        keep_seconds=keep_seconds,
    )


@pytest.mark.parametrize(
    ("today", "counts"),
    [
        (date(2026, 8, 13), False),
        (FRIDAY, True),
        (date(2026, 8, 15), True),
        (MONDAY, True),
        (TUESDAY, False),
    ],
)
def test_a_file_counts_on_its_day_and_until_the_end_of_the_next_trading_day(
    today: date, *, counts: bool
) -> None:
    assert risk_files(MemoryRiskFiles()).counts(FRIDAY, today) is counts


def test_a_file_is_read_once_and_a_newer_one_takes_its_place() -> None:
    store = MemoryRiskFiles()
    files = risk_files(store)
    assert files.current() is None

    assert files.load(file(), "operator").counts
    first = files.current()
    assert files.current() is first is store.files[0]
    assert store.reads == 1
    files.drop("operator")
    files.drop("operator")

    assert files.current() is None
    assert (files.status(), len(store.files)) == (None, 2)


def test_the_store_is_not_asked_at_every_look() -> None:
    store = MemoryRiskFiles()
    files = risk_files(store, keep_seconds=3.0)
    files.current()
    store.put(file(), "another process")

    assert [files.current() is None for _ in range(3)] == [True, True, False]


def test_margin_comes_from_the_file_in_force_and_from_nothing_else() -> None:
    exchange = Exchange()
    exchange.sheets.risk_file, exchange.sheets.counts = file, lambda _day, _today: True

    sheet = exchange.sheets.of([CALL, PUT])

    assert (sheet[CALL].source, sheet[PUT].source) == (MarginSource.RISK_FILE, MarginSource.NONE)
    assert sheet[CALL].short_margin > Decimal(2_000)
    exchange.sheets.counts = lambda _day, _today: False
    assert not exchange.sheets.of([CALL])[CALL].is_known, "an outdated file"
